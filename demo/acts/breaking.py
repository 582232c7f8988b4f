"""Acts 5 and 6: the permissions are taken back at Google, one after the other."""

from demo.cast import ANN, BEN, INTERVIEW, OLGA, SALES, TOUR, Person
from demo.message import STOPPED as PAGE_STOPPED
from demo.message import by_both
from demo.stage import Stage
from demo.states import DEGRADED, STOPPED, page_state


async def revoke_ann(stage: Stage) -> None:
    """Ann's calendar fails: one page stops, and those concerned are told."""
    stage.screen.act("5. Ann takes the permission back at Google; nobody tells the server")
    await _revoke(stage, ANN)
    expected = {INTERVIEW.id: STOPPED, TOUR.id: DEGRADED, SALES.id: DEGRADED}
    await _found_out(stage, ANN, expected)
    pages = await stage.pages()
    stage.screen.pages(pages)
    stage.claims.hold(
        "Ann's link failed: only the page needing both stopped.",
        "GetBookingPage",
        expected=expected,
        seen={page.id: page_state(page) for page in pages},
    )
    await _told_of_ann(stage)


async def revoke_ben(stage: Stage) -> None:
    """Ben's calendar fails too: the other two pages stop."""
    stage.screen.act("6. Ben takes his back, too")
    await _revoke(stage, BEN)
    await _found_out(stage, BEN, {page.id: STOPPED for page in (INTERVIEW, TOUR, SALES)})


async def _told_of_ann(stage: Stage) -> None:
    owed = [note for person in (OLGA, ANN) for note in by_both(person, PAGE_STOPPED, [INTERVIEW], [ANN])]
    await stage.told("Olga and Ann were told, and given Ann's relink address.", owed, (OLGA, ANN))
    stage.screen.say(BEN.name, "is told nothing: his own calendar works")
    stage.claims.hold(
        "Ben was told nothing: his own calendar worked.",
        "e-mail, Slack",
        expected=[],
        seen=[message for message in stage.inbox.taken if message.to == BEN.email],
    )


async def _revoke(stage: Stage, person: Person) -> None:
    await stage.control.revoke(person.email)
    stage.screen.say(person.name, "removes the app on Google's page of third-party access")


async def _found_out(stage: Stage, person: Person, pages: dict[str, str]) -> None:
    before = stage.screen.seconds
    await stage.watch.sees(pages)
    passed = stage.screen.seconds - before
    stage.screen.say("server", f"found it out by its own check of {person.name}'s link, {passed:.1f} s later")
