"""Act 7: the server is killed between a change and the notices of it, and comes back."""

from demo.cast import ANN, BEN, INTERVIEW, OLGA, PAGES, SALES, TOUR
from demo.message import FAULTY, Told, by_both
from demo.message import STOPPED as PAGE_STOPPED
from demo.stage import Stage
from demo.states import STOPPED, page_state


async def kill_server(stage: Stage) -> None:
    """Kill the server right after the change; the watch breaks off."""
    stage.screen.act("7. kill -9 before anybody is told; then a restart on the same database")
    pid = await stage.server.kill()
    stage.screen.say("server", f"process {pid} is killed", "bold red")
    stage.screen.say("watch", f"broke off: {await stage.watch.broken()}; its last token is kept")
    received = await stage.inbox.waiting()
    stage.screen.say("inbox", f"{received} of {len(_owed())} messages about Ben's calendar have come")


async def restart_server(stage: Stage) -> None:
    """Start it again: it knows how things stood, and pays what it owes."""
    await stage.server.start()
    stage.screen.say("server", f"process {stage.server.pid} is started in its place, gRPC on {stage.server.address}")
    stage.screen.more("how things stand, and what is owed to whom, is in the database", style="dim")
    pages = await stage.pages()
    stage.screen.pages(pages)
    stage.claims.hold(
        "Ben's link failed: all pages stopped, kill -9 or not.",
        "GetBookingPage",
        expected={page.id: STOPPED for page in PAGES},
        seen={page.id: page_state(page) for page in pages},
    )
    claim = "What was owed at the kill was sent after it, once."
    await stage.told(claim, _owed(), (BEN,))


def _owed() -> list[Told]:
    both = (ANN, BEN)
    return [
        *by_both(OLGA, FAULTY, [INTERVIEW], [BEN]),
        *by_both(BEN, FAULTY, [INTERVIEW], [BEN]),
        *(note for person in (OLGA, ANN, BEN) for note in by_both(person, PAGE_STOPPED, [TOUR, SALES], both)),
    ]
