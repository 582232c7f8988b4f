"""E-mail over real sockets: what is its own, besides what every channel does (tests/contract)."""

from collections.abc import AsyncIterator

import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.delivery import Outcome
from calguard_server.notifiers.email import EmailNotifier
from calguard_server.notifiers.smtp_options import SmtpOptions
from tests.integration.mail_harness import ANN, SHORT, StillClock, notifying, scripted, send_once, trusting
from tests.unit.notice_messages import make_message

PASSWORD = "a-password-nobody-may-see"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed="test")) as running:
        yield running


async def test_nobody_listens(sandbox: Sandbox) -> None:
    """A refused connection is tried again; once the server is back, it works."""
    async with notifying(sandbox.smtp_url) as sender:
        await sandbox.set_listening("smtp", up=False)
        outcome = await sender.send(make_message(), ANN)
        assert (outcome.sent, outcome.permanent) == (False, False)
        assert outcome.detail == "CONNECTION_LOST: the mail server cannot be reached, or hung up"
        await sandbox.set_listening("smtp", up=True)
        assert (await sender.send(make_message(), ANN)).sent


async def test_a_server_that_will_not_serve_us() -> None:
    """A 5xx greeting is about this service, not about the recipient."""
    async with scripted([b"554 5.7.1 blocked\r\n"]) as (port, _lines):
        outcome = await send_once(f"smtp://127.0.0.1:{port}?starttls=off")
    assert outcome == Outcome(
        sent=False, detail="SMTP 554: refused before the message, at connect or login", address="ann@example.com"
    )


async def test_a_lost_goodbye_leaves_the_message_sent() -> None:
    """What the server took, it took."""
    ok = b"250 ok\r\n"
    content_lines = [b""] * 400
    greeting, go_on = b"220 hello\r\n", b"354 go on\r\n"
    async with scripted([greeting, ok, ok, ok, go_on, *content_lines]) as (port, lines):
        outcome = await send_once(f"smtp://127.0.0.1:{port}?starttls=off", patience=SHORT)
    assert not outcome.sent
    assert "may have been sent" in outcome.detail
    ended = lines.index(b".\r\n")
    async with scripted([greeting, ok, ok, ok, go_on, *content_lines[: ended - 4], ok]) as (port, lines):
        assert (await send_once(f"smtp://127.0.0.1:{port}?starttls=off", patience=SHORT)).sent
    assert b"QUIT\r\n" in lines


async def test_starttls_that_is_required_but_not_offered_sends_nothing() -> None:
    """Neither login nor message goes over a connection that others can read."""
    hello = b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n"
    async with scripted([b"220 hello\r\n", hello, b"221 bye\r\n"]) as (port, lines):
        outcome = await send_once(f"smtp://ann:{PASSWORD}@127.0.0.1:{port}")
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail.startswith("STARTTLS_NOT_OFFERED")
    assert lines == [b"EHLO booking.example\r\n", b"QUIT\r\n"]


async def test_starttls_and_login() -> None:
    """Both, over a certificate that is trusted."""
    options = SandboxOptions(smtp_starttls=True, smtp_user="ann", smtp_password=PASSWORD)
    async with Sandbox(options) as sandbox:
        assert (await send_once(sandbox.smtp_url, tls=trusting(sandbox))).sent
        [mail] = sandbox.mail.received.records
        assert mail.tls
        assert mail.login == "ann"


async def test_a_server_without_login_is_the_operators() -> None:
    """Credentials are set, but the server knows no login."""
    async with scripted([b"220 hello\r\n", b"250 mail.example\r\n"]) as (port, lines):
        outcome = await send_once(f"smtp://ann:{PASSWORD}@127.0.0.1:{port}?starttls=off")
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail.startswith("SMTP_UNSUPPORTED")
    assert PASSWORD not in repr(outcome)
    assert lines == [b"EHLO booking.example\r\n"]


@pytest.mark.parametrize("email_from", ["", "Bookings", "a@b.example, c@d.example", "a b@c.example"])
def test_a_bad_sender_stops_the_start(email_from: str) -> None:
    """At construction, not at the first message."""
    with pytest.raises(ValueError, match="address"):
        EmailNotifier(SmtpOptions.parse("smtp://mail.example"), email_from, StillClock())
