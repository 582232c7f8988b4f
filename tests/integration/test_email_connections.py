"""Connections to a mail server over real sockets: when one is used again, and when not."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.delivery import Outcome
from calguard_server.notifiers.email import EmailNotifier
from calguard_server.notifiers.smtp_connections import ConnectionLimits
from tests.fakes.world import ManualClock
from tests.integration.mail_harness import ANN, SHORT, notifying, trusting
from tests.integration.mail_server import HANG_UP, Session, mail_server
from tests.unit.notice_messages import make_message

SENT = Outcome(sent=True, address="ann@example.com")


def unsaid(outcome: Outcome) -> Outcome:
    """An outcome without the words of the mail server, where that took the message."""
    return replace(outcome, detail="") if outcome.detail.startswith("SMTP 250: ") else outcome


CLOSING = b"421 4.4.2 closing\r\n"
PASSWORD = "a-password-nobody-may-see"


async def send(sender: EmailNotifier, count: int = 1) -> None:
    for number in range(count):
        assert unsaid(await sender.send(make_message(message_id=f"message-{number}"), ANN)) == SENT


async def test_ten_messages_use_one_connection() -> None:
    """One greeting, one QUIT, one recipient each; what came before is dropped before the connection is used again."""
    async with mail_server() as server:
        async with notifying(server.url) as sender:
            await send(sender, 10)
        [session] = server.sessions
        await session.over.wait()
        assert len(session.contents) == 10
        assert [session.count(verb) for verb in ("EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT")] == [
            1, 10, 10, 10, 9, 1,
        ]  # fmt: skip


async def test_a_secured_connection_logs_in_once() -> None:
    """STARTTLS and the login hold for every message of a connection."""
    options = SandboxOptions(smtp_starttls=True, smtp_user="ann", smtp_password=PASSWORD)
    async with Sandbox(options) as sandbox, notifying(sandbox.smtp_url, tls=trusting(sandbox)) as sender:
        await send(sender, 3)
        assert [(mail.tls, mail.login) for mail in sandbox.mail.received.records] == [(True, "ann")] * 3


@pytest.mark.parametrize("last_words", [b"", CLOSING])
async def test_a_connection_closed_while_it_rests_costs_no_attempt(last_words: bytes) -> None:
    """The next message goes out once, over a new one."""
    async with mail_server() as server, notifying(server.url) as sender:
        await send(sender)
        await server.sessions[0].hang_up(last_words)
        await send(sender)
        assert [len(session.contents) for session in server.sessions] == [1, 1]


@pytest.mark.parametrize("answer", [CLOSING, HANG_UP, b"500 what\r\n", b"this is not SMTP\r\n"])
@pytest.mark.parametrize("verb", ["RSET", "MAIL", "RCPT"])
async def test_a_connection_that_ends_as_it_is_used_again_costs_no_attempt(verb: str, answer: bytes) -> None:
    """As long as the content was not begun, the message goes on over a new one; a refusal is a refusal."""

    def say(session: Session, command: str) -> bytes | None:
        again = session.contents and session is server.sessions[0]
        return answer if again and command.startswith(verb) else None

    async with mail_server(say) as server, notifying(server.url) as sender:
        await send(sender)
        outcome = await sender.send(make_message(), ANN)
        if verb == "RSET" or answer in (CLOSING, HANG_UP):
            assert unsaid(outcome) == SENT
            assert [len(session.contents) for session in server.sessions] == [1, 1]
        else:
            assert (outcome.sent, outcome.doubtful) == (False, False)
            assert outcome.permanent is (answer == b"500 what\r\n")
            assert len(server.sessions) == 1


async def test_a_connection_that_falls_silent_costs_no_attempt() -> None:
    """A gateway between may have forgotten it: it is asked, but not waited for long."""
    silence = b"250-and\r\n"

    def say(_session: Session, command: str) -> bytes | None:
        return silence if command == "RSET" else None

    limits = ConnectionLimits(reply=timedelta(milliseconds=50))
    async with mail_server(say) as server, notifying(server.url, limits=limits) as sender:
        await send(sender, 2)
        assert [len(session.contents) for session in server.sessions] == [1, 1]


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
async def test_a_server_that_always_closes_is_asked_once_more_only(verb: str) -> None:
    """A new connection that is closed is an attempt that failed; nothing goes round in circles."""

    def say(_session: Session, command: str) -> bytes | None:
        return CLOSING if server.contents and command.startswith(verb) else None

    async with mail_server(say) as server, notifying(server.url) as sender:
        await send(sender)
        await server.sessions[0].hang_up()
        outcome = await sender.send(make_message(), ANN)
        assert (outcome.sent, outcome.permanent, outcome.doubtful) == (False, False, False)
        assert outcome.detail.startswith("SMTP 421")
        assert len(server.sessions) == 2


async def test_a_refusal_of_the_new_connection_says_nothing_of_the_recipient() -> None:
    """It is tried again, whatever its code."""

    def say(session: Session, command: str) -> bytes | None:
        if session is not server.sessions[0]:
            return b"550 blocked\r\n"
        return CLOSING if session.contents and command.startswith("MAIL") else None

    async with mail_server(say) as server, notifying(server.url) as sender:
        await send(sender)
        outcome = await sender.send(make_message(), ANN)
        assert (outcome.sent, outcome.permanent) == (False, False)
        assert outcome.detail == "SMTP 550: refused before the message, at connect or login"
        assert len(server.sessions) == 2


@pytest.mark.parametrize(
    ("verb", "answer", "doubtful"), [("DATA", CLOSING, False), (".", CLOSING, False), (".", HANG_UP, True)]
)
async def test_once_the_content_was_begun_nothing_is_sent_again(verb: str, answer: bytes, *, doubtful: bool) -> None:
    """Whether to try again is not decided here; the connection is not used again."""

    def say(session: Session, command: str) -> bytes | None:
        return answer if command == verb and session.count("MAIL") == 2 else None

    async with mail_server(say) as server, notifying(server.url) as sender:
        await send(sender)
        outcome = await sender.send(make_message(), ANN)
        assert (outcome.sent, outcome.permanent, outcome.doubtful) == (False, False, doubtful)
        assert [len(session.contents) for session in server.sessions] == [1]
        await send(sender)
        assert [len(session.contents) for session in server.sessions] == [1, 1]


@pytest.mark.parametrize(
    ("verb", "answer"), [("RCPT", b"550 nobody\r\n"), (".", b"554 no\r\n"), ("MAIL", b"451 later\r\n")]
)
async def test_a_refused_message_leaves_the_connection_good(verb: str, answer: bytes) -> None:
    """The server has answered, and takes the next message."""

    def say(session: Session, command: str) -> bytes | None:
        return answer if command.startswith(verb) and session.count("MAIL") == 1 else None

    async with mail_server(say) as server, notifying(server.url) as sender:
        assert not (await sender.send(make_message(), ANN)).sent
        await send(sender)
        assert len(server.sessions) == 1


async def test_a_demand_to_log_in_ends_the_connection() -> None:
    """The next message logs in anew."""

    def say(session: Session, command: str) -> bytes | None:
        return b"530 log in\r\n" if command.startswith("MAIL") and session is server.sessions[0] else None

    async with mail_server(say) as server, notifying(server.url) as sender:
        assert not (await sender.send(make_message(), ANN)).permanent
        await send(sender)
        assert len(server.sessions) == 2


async def test_a_connection_carries_so_many_messages_only() -> None:
    """Then it is ended by QUIT."""
    async with mail_server() as server:
        async with notifying(server.url, limits=ConnectionLimits(messages_max=3)) as sender:
            await send(sender, 7)
        assert [len(session.contents) for session in server.sessions] == [3, 3, 1]
        for session in server.sessions:
            await session.over.wait()
            assert session.commands[-1] == "QUIT"


async def test_a_hundred_messages_at_once_use_few_connections() -> None:
    """As many as are allowed, and no more; each message is sent once."""
    async with mail_server() as server, notifying(server.url) as sender:
        messages = [make_message(message_id=f"message-{number}") for number in range(100)]
        outcomes = await asyncio.gather(*(sender.send(message, ANN) for message in messages))
        assert {unsaid(outcome) for outcome in outcomes} == {SENT}
        assert len(server.contents) == 100
        assert all(
            sum(f"<{message.message_id}@".encode() in each for each in server.contents) == 1 for message in messages
        )
        assert server.most_open == len(server.sessions) == ConnectionLimits().side_by_side


async def test_who_finds_every_connection_in_use_is_given_back_untried() -> None:
    """A slow mail server holds up nobody's place for long; the message is tried soon after."""

    def say(_session: Session, command: str) -> bytes | None:
        return b"250-and\r\n" if command.startswith("MAIL") else None

    one = ConnectionLimits(side_by_side=1)
    async with mail_server(say) as server, notifying(server.url, patience=SHORT, wait=SHORT / 20, limits=one) as sender:
        first, second = await asyncio.gather(sender.send(make_message(), ANN), sender.send(make_message(), ANN))
        assert first.detail.startswith("TIMEOUT")
        assert not second.tried
        assert second.detail.startswith("SMTP_BUSY")
        assert second.retry_after is not None
        assert len(server.sessions) == 1


async def test_a_connection_that_rests_too_long_is_ended() -> None:
    """By QUIT, and not before its time."""
    clock = ManualClock()
    async with mail_server() as server, notifying(server.url, clock=clock) as sender:
        running = asyncio.create_task(sender.run())
        await send(sender)
        [session] = server.sessions
        over = asyncio.ensure_future(session.over.wait())
        while not over.done():
            clock.advance(timedelta(seconds=1))
            await asyncio.wait([over], timeout=0.01)
        assert session.commands[-1] == "QUIT"
        assert clock.timer() >= 30
        await send(sender)
        assert len(server.sessions) == 2
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_each_connection_rests_its_own_time() -> None:
    """One that is used again begins anew, whatever becomes of the one beside it."""
    clock = ManualClock()
    async with mail_server() as server, notifying(server.url, clock=clock) as sender:
        running = asyncio.create_task(sender.run())
        await asyncio.gather(send(sender), send(sender))
        clock.advance(timedelta(seconds=20))
        await send(sender)
        overs = {asyncio.ensure_future(session.over.wait()) for session in server.sessions}
        ended: dict[asyncio.Future[bool], float] = {}
        while len(ended) < len(overs):
            clock.advance(timedelta(seconds=1))
            await asyncio.wait(overs - ended.keys(), timeout=0.01)
            ended |= {over: clock.timer() for over in overs - ended.keys() if over.done()}
        assert len(overs) == 2
        assert min(ended.values()) >= 30
        assert max(ended.values()) >= 50
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_cancelling_drops_the_connection() -> None:
    """Nobody knows what it would say next."""
    begun = asyncio.Event()

    def say(_session: Session, command: str) -> bytes | None:
        if server.contents and command.startswith("RCPT") and not begun.is_set():
            begun.set()
            return b"250-and\r\n"
        return None

    async with mail_server(say) as server, notifying(server.url) as sender:
        await send(sender)
        sending = asyncio.create_task(sender.send(make_message(), ANN))
        await begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await server.sessions[0].over.wait()
        await send(sender)
        assert [len(session.contents) for session in server.sessions] == [1, 1]


async def test_what_is_in_use_as_the_notifier_closes_ends_with_its_message() -> None:
    """By QUIT, and the message is sent."""
    begun = asyncio.Event()

    def say(_session: Session, command: str) -> bytes | None:
        if command == "DATA":
            begun.set()
        return None

    async with mail_server(say) as server, notifying(server.url) as sender:
        sending = asyncio.create_task(sender.send(make_message(), ANN))
        await begun.wait()
        await sender.close()
        assert unsaid(await sending) == SENT
        await server.sessions[0].over.wait()
        assert server.sessions[0].commands[-1] == "QUIT"
