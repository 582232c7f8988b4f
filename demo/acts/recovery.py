"""Acts 8 to 10: both connect again, the first of them while nobody watches."""

from demo.acts.linking import connect, read_links
from demo.cast import ANN, BEN, EVERYBODY, INTERVIEW, MEMBERS, PAGES, SALES, TOUR, Page, Person
from demo.message import RESTARTED, by_both
from demo.stage import Stage
from demo.states import DEGRADED, LINKED, STOPPED, page_state


async def reconnect_unwatched(stage: Stage) -> None:
    """Ann connects again while no watch is attached."""
    stage.screen.act("8. Ann connects again, while nobody watches")
    await connect(stage, ANN, stage.link_ids[ANN.id])
    expected = {INTERVIEW.id: STOPPED, TOUR.id: DEGRADED, SALES.id: DEGRADED}
    await _restarted(stage, ANN, expected, [TOUR, SALES], (ANN,), (BEN,))


async def resume_watch(stage: Stage) -> None:
    """Go on watching after the last token, and see what was missed."""
    stage.screen.act("9. The watch goes on after its last token")
    missed_from, newest = stage.watch.last_revision + 1, await _newest_revision(stage)
    stage.screen.say("watch", f"is attached again with its last token, and tells what came after #{missed_from - 1}:")
    stage.watch.attach(stage.server.watch)
    await stage.watch.reaches(newest)
    stage.claims.hold(
        f"The resumed watch told what it had missed: #{missed_from} to #{newest}.",
        "Watch",
        expected=list(range(missed_from, newest + 1)),
        seen=[revision for revision in stage.watch.changes if revision >= missed_from],
    )


async def reconnect_watched(stage: Stage) -> None:
    """Ben connects again; the last page restarts."""
    stage.screen.act("10. Ben connects again")
    await connect(stage, BEN, stage.link_ids[BEN.id])
    expected = {page.id: LINKED for page in PAGES}
    await stage.watch.sees(expected)
    await _restarted(stage, BEN, expected, [INTERVIEW], ())
    stage.claims.hold(
        "Their links kept their ids and their calendars.",
        "ListCalendarLinks",
        expected={person.id: (stage.link_ids[person.id], [person.email]) for person in MEMBERS},
        seen={key: (link.id, [*link.check_calendar_ids]) for key, link in (await read_links(stage)).items()},
    )


async def _restarted(
    stage: Stage,
    person: Person,
    expected: dict[str, str],
    restarted: list[Page],
    whole: tuple[Person, ...],
    still: tuple[Person, ...] = (),
) -> None:
    pages, titles = await stage.pages(), ", ".join(page.title for page in restarted)
    stage.screen.pages(pages)
    stage.claims.hold(
        f"{person.name} came back: {titles} restarted.",
        "GetBookingPage",
        expected=expected,
        seen={page.id: page_state(page) for page in pages},
    )
    owed = [note for each in EVERYBODY for note in by_both(each, RESTARTED, restarted, still)]
    await stage.told("Whoever had heard of the stop heard of its end, and who still fails.", owed, whole)


async def _newest_revision(stage: Stage) -> int:
    links = (await read_links(stage)).values()
    return max([link.revision for link in links] + [page.revision for page in await stage.pages()])
