"""Act 11: what has been verified, and how to go on by hand."""

from collections.abc import Iterable

from google.protobuf.text_format import MessageToString

from calguard.v1 import booking_page_pb2, calendar_link_pb2, notification_pb2
from demo.acts.linking import read_links
from demo.server import CALL_SECONDS
from demo.stage import Stage
from demo.states import link_state

_KEY = "$(head -c 32 /dev/urandom | base64 | tr +/ -_)"
_BY_HAND = (
    ("The sandbox, in a first terminal; it prints `export CALGUARD_...` lines:", "make sandbox"),
    (
        "The server, in a second, after those lines and a key for the stored tokens:",
        f'export CALGUARD_TOKEN_KEYS="{_KEY}"',
        "make serve",
    ),
    ("Every change as it is committed, in a third:", ".venv/bin/calguard watch"),
    (
        "Whatever else there is, with the client of this project or without:",
        ".venv/bin/calguard --help",
        "grpcurl -plaintext 127.0.0.1:50051 list",
        "grpcurl -plaintext 127.0.0.1:50051 describe calguard.v1.BookingPageService",
    ),
    ("What can be made to go wrong at Google, Slack and the mail server:", "docs/sandbox.md"),
)


async def close_story(stage: Stage) -> None:
    """Look at the whole once more, and list what was verified."""
    stage.screen.act("11. What was verified")
    await _look_at_messages(stage)
    await _look_at_watch(stage)
    stage.screen.summary(stage.claims.verified)
    stage.screen.say("done", f"all {len(stage.claims.verified)} claims hold", "bold green")
    stage.screen.act("To try it by hand")
    for purpose, *commands in _BY_HAND:
        stage.screen.commands(purpose, *commands)


async def _look_at_messages(stage: Stage) -> None:
    extra = await stage.inbox.take_unexpected()
    mails = sum(message.channel == "e-mail" for message in stage.inbox.taken)
    stage.claims.hold(
        f"{mails} e-mails, {len(stage.inbox.taken) - mails} Slack messages: those owed, none twice.",
        "e-mail, Slack",
        expected=[],
        seen=stage.read(extra),
    )
    request = notification_pb2.ListNotificationsRequest(page_size=1000)
    ledger = (await stage.server.notifications.ListNotifications(request, timeout=CALL_SECONDS)).notifications
    stage.claims.hold(
        f"All {len(ledger)} notices (one a page, person, channel) are SENT.",
        "ListNotifications",
        expected=[],
        seen=[each for each in ledger if each.state != notification_pb2.NOTIFICATION_STATE_SENT],
    )


async def _look_at_watch(stage: Stage) -> None:
    watch, links, pages = stage.watch, (await read_links(stage)).values(), await stage.pages()
    newest = max([link.revision for link in links] + [page.revision for page in pages])
    stage.claims.hold(
        f"The watch told #1 to #{newest} in order: no hole, no double.",
        "Watch",
        expected=list(range(1, newest + 1)),
        seen=[*sorted(watch.snapshot), *watch.changes],
    )
    stage.claims.hold(
        "What it told last is what the server stores.",
        "Watch, Get, List",
        expected=_stored(links, pages),
        seen=_stored(watch.links.values(), watch.pages.values()),
    )


def _stored(
    links: Iterable[calendar_link_pb2.CalendarLink], pages: Iterable[booking_page_pb2.BookingPage]
) -> dict[str, str]:
    """All of every page; of a link all but the times of its checks, which come in batches and are no change."""
    whole = {page.id: MessageToString(page, as_one_line=True) for page in pages}
    return whole | {link.id: f"{link_state(link)} #{link.revision} {link.etag}" for link in links}
