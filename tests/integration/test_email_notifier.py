"""E-mail over real sockets: what is made of each answer, silence and refusal."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.delivery import Outcome
from calguard_server.domain.secret import Secret
from calguard_server.notifiers.email import EmailNotifier
from calguard_server.notifiers.smtp_options import SmtpOptions
from tests.integration.mail_harness import ANN, SHORT, StillClock, notifying, scripted, send_once, trusting
from tests.unit.notice_messages import make_message

PASSWORD = "a-password-nobody-may-see"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed="test")) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "permanent", "detail"),
    [
        ("smtp/421", False, "SMTP 421: 4.3.2 Service not available, closing transmission channel"),
        ("smtp/450", False, "SMTP 450: 4.2.1 Mailbox temporarily unavailable"),
        ("smtp/451", False, "SMTP 451: 4.3.0 Local error in processing"),
        ("smtp/452", False, "SMTP 452: 4.2.2 Mailbox full"),
        ("smtp/530", False, "SMTP 530: 5.7.0 Authentication required"),
        ("smtp/550", True, "SMTP 550: 5.1.1 No such user here"),
        ("smtp/552", True, "SMTP 552: 5.2.2 Mailbox over quota"),
        ("smtp/data_451", False, "SMTP 451: 4.3.0 Local error in processing"),
        ("smtp/data_554", True, "SMTP 554: 5.7.1 Message refused"),
    ],
)
async def test_each_refusal(sandbox: Sandbox, fault: str, *, permanent: bool, detail: str) -> None:
    """4xx is tried again, 5xx is permanent; but a demand to log in is the operator's to mend."""
    sandbox.fault(fault)
    outcome = await send_once(sandbox.smtp_url)
    assert outcome == Outcome(sent=False, permanent=permanent, detail=detail, address="ann@example.com")
    assert sandbox.mail.received.records == []


@pytest.mark.parametrize(("fault", "arrived"), [("network/hang", 0), ("network/hang_after", 1)])
async def test_silence_after_the_content_is_an_unknown_outcome(sandbox: Sandbox, fault: str, arrived: int) -> None:
    """It is tried again, and the detail says that it may have been sent."""
    sandbox.fault(fault, surface="smtp", endpoint="data")
    outcome = await send_once(sandbox.smtp_url, patience=SHORT)
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail == "TIMEOUT: no answer from the mail server; the message may have been sent"
    assert len(sandbox.mail.received.records) == arrived


async def test_a_connection_lost_after_the_content_is_an_unknown_outcome(sandbox: Sandbox) -> None:
    """As silence is."""
    sandbox.fault("network/drop_after", surface="smtp", endpoint="data")
    outcome = await send_once(sandbox.smtp_url)
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert (
        outcome.detail
        == "CONNECTION_LOST: the mail server cannot be reached, or hung up; the message may have been sent"
    )


@pytest.mark.parametrize("endpoint", ["mail", "rcpt"])
@pytest.mark.parametrize(("fault", "code"), [("network/hang", "TIMEOUT"), ("network/drop", "CONNECTION_LOST")])
async def test_trouble_before_the_content_is_tried_again(
    sandbox: Sandbox, endpoint: str, fault: str, code: str
) -> None:
    """And cannot have been sent."""
    sandbox.fault(fault, surface="smtp", endpoint=endpoint)
    outcome = await send_once(sandbox.smtp_url, patience=SHORT)
    assert (outcome.sent, outcome.permanent, outcome.address) == (False, False, "ann@example.com")
    assert outcome.detail.startswith(f"{code}: ")
    assert "may have been sent" not in outcome.detail


@pytest.mark.parametrize(("endpoint", "doubt"), [("rcpt", False), ("data", True)])
async def test_garbage_is_tried_again(sandbox: Sandbox, endpoint: str, *, doubt: bool) -> None:
    """What is not SMTP says nothing of the recipient."""
    sandbox.fault("network/garbage", surface="smtp", endpoint=endpoint)
    outcome = await send_once(sandbox.smtp_url)
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert ("may have been sent" in outcome.detail) is doubt


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


async def test_a_certificate_that_is_not_trusted_is_refused() -> None:
    """It is tried again: the operator may mend it."""
    async with Sandbox(SandboxOptions(smtp_starttls=True)) as sandbox:
        outcome = await send_once(sandbox.smtp_url)
        assert (outcome.sent, outcome.permanent) == (False, False)
        assert outcome.detail.startswith("TLS_FAILED")
        assert sandbox.mail.received.records == []


async def test_a_wrong_login_is_the_operators() -> None:
    """It is tried again, because it says nothing of the recipient; the password is nowhere in the outcome."""
    async with Sandbox(SandboxOptions(smtp_user="ann", smtp_password="another")) as sandbox:
        options = replace(SmtpOptions.parse(sandbox.smtp_url), password=Secret(PASSWORD))
        outcome = await send_once(options)
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail == "SMTP 535: refused before the message, at connect or login"
    assert PASSWORD not in repr(outcome)


async def test_a_server_without_login_is_the_operators() -> None:
    """Credentials are set, but the server knows no login."""
    async with scripted([b"220 hello\r\n", b"250 mail.example\r\n"]) as (port, lines):
        outcome = await send_once(f"smtp://ann:{PASSWORD}@127.0.0.1:{port}?starttls=off")
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail.startswith("SMTP_UNSUPPORTED")
    assert PASSWORD not in repr(outcome)
    assert lines == [b"EHLO booking.example\r\n"]


async def test_cancelling_ends_at_once(sandbox: Sandbox) -> None:
    """A shutdown is not held up, nor taken for an outcome."""
    sandbox.fault("network/hang", surface="smtp", endpoint="data")
    sending = asyncio.create_task(send_once(sandbox.smtp_url))
    rule = sandbox.faults.rules[0]
    async with asyncio.timeout(10):
        while not rule.struck:
            await asyncio.wait([sending], timeout=0.01)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


@pytest.mark.parametrize("email_from", ["", "Bookings", "a@b.example, c@d.example", "a b@c.example"])
def test_a_bad_sender_stops_the_start(email_from: str) -> None:
    """At construction, not at the first message."""
    with pytest.raises(ValueError, match="address"):
        EmailNotifier(SmtpOptions.parse("smtp://mail.example"), email_from, StillClock())
