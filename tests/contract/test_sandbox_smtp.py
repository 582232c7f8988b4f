"""The sandbox's SMTP server, through aiosmtplib."""

import asyncio
import ssl
from email.message import EmailMessage

import aiosmtplib
import pytest

from calguard_sandbox import Sandbox, SandboxOptions

Sent = tuple[dict[str, aiosmtplib.SMTPResponse], str]
ANN, BEN = "ann@example.com", "ben@example.com"


def message(*recipients: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "calguard@example.com", ", ".join(recipients or (ANN,))
    mail["Subject"], mail["Message-ID"] = "予約ページが停止しました", "<1@example.com>"
    mail.set_content("plain\n")
    mail.add_alternative("<p>rich</p>\n", subtype="html")
    return mail


async def send(sandbox: Sandbox, *recipients: str, **more: object) -> Sent:
    settings = {"start_tls": False, "timeout": 5, **more}
    return await aiosmtplib.send(
        message(*recipients), hostname="127.0.0.1", port=sandbox.smtp_port, local_hostname="test", **settings
    )


async def test_a_message_is_kept_with_its_envelope_headers_and_parts(sandbox: Sandbox) -> None:
    await send(sandbox, ANN, BEN)
    (mail,) = sandbox.mail.received.records
    assert (mail.sender, mail.recipients) == ("calguard@example.com", (ANN, BEN))
    assert (mail.subject, mail.message_id) == ("予約ページが停止しました", "<1@example.com>")
    assert (mail.text.strip(), mail.html.strip()) == ("plain", "<p>rich</p>")
    assert b"Message-ID: <1@example.com>" in mail.raw
    assert (mail.tls, mail.login) == (False, None)


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("smtp/450", 450, "4.2.1"),
        ("smtp/451", 451, "4.3.0"),
        ("smtp/452", 452, "4.2.2"),
        ("smtp/550", 550, "5.1.1"),
        ("smtp/552", 552, "5.2.2"),
    ],
)
async def test_a_recipient_can_be_refused(sandbox: Sandbox, name: str, code: int, text: str) -> None:
    sandbox.fault(name, user=ANN)
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await send(sandbox, ANN)
    (one,) = refused.value.args[0]
    assert (one.code, one.message[:5], one.recipient) == (code, text, ANN)
    assert sandbox.mail.received.records == []


async def test_one_of_several_refused_raises_nothing(sandbox: Sandbox) -> None:
    sandbox.fault({"code": 550, "text": "5.1.1 No such user"}, endpoint="rcpt", user=BEN)
    refusals, _ = await send(sandbox, ANN, BEN)
    assert refusals[BEN].code == 550
    assert sandbox.mail.received.records[0].recipients == (ANN,)


@pytest.mark.parametrize(("name", "code"), [("smtp/421", 421), ("smtp/530", 530)])
async def test_the_sender_can_be_refused(sandbox: Sandbox, name: str, code: int) -> None:
    sandbox.fault(name)
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        await send(sandbox)
    assert refused.value.code == code


@pytest.mark.parametrize(("name", "code"), [("smtp/data_451", 451), ("smtp/data_554", 554)])
async def test_the_message_can_be_refused(sandbox: Sandbox, name: str, code: int) -> None:
    sandbox.fault(name, times=1)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(sandbox)
    assert refused.value.code == code
    await send(sandbox)
    assert len(sandbox.mail.received.records) == 1


@pytest.mark.parametrize(("name", "kept"), [("network/hang", 0), ("network/hang_after", 1)])
async def test_a_hang_after_data_times_out_whether_kept_or_not(sandbox: Sandbox, name: str, kept: int) -> None:
    sandbox.fault(name, surface="smtp", endpoint="data")
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await send(sandbox, timeout=0.2)
    assert len(sandbox.mail.received.records) == kept


async def test_clearing_the_faults_drops_what_hangs(sandbox: Sandbox) -> None:
    sandbox.fault("network/hang_after", surface="smtp", endpoint="data")
    sending = asyncio.create_task(send(sandbox))
    await sandbox.mail.received.wait(seconds=5)
    sandbox.faults.clear()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await sending


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("name", ["network/drop", "network/garbage", "network/cut_short"])
async def test_the_connection_can_break_at_each_phase(sandbox: Sandbox, phase: str, name: str) -> None:
    sandbox.fault(name, surface="smtp", endpoint=phase, times=1)
    with pytest.raises(aiosmtplib.SMTPException):
        await send(sandbox)
    await send(sandbox)
    assert len(sandbox.mail.received.records) == 1


async def test_a_stopped_smtp_listener_refuses_connections(sandbox: Sandbox) -> None:
    await sandbox.set_listening("smtp", up=False)
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await send(sandbox)
    await sandbox.set_listening("smtp", up=True)
    await send(sandbox)


async def test_starttls_and_auth_can_be_required() -> None:
    options = SandboxOptions(smtp_starttls=True, smtp_user="calguard", smtp_password="a/pass@word")
    async with Sandbox(options) as sandbox:
        url = sandbox.server_environment()["CALGUARD_SMTP_URL"]
        assert url == f"smtp://calguard:a%2Fpass%40word@127.0.0.1:{sandbox.smtp_port}"
        with pytest.raises(aiosmtplib.SMTPException):
            await send(sandbox)
        context = ssl.create_default_context(cadata=sandbox.smtp_certificate)
        secure = {"start_tls": True, "tls_context": context, "username": "calguard"}
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await send(sandbox, password="wrong", **secure)
        await send(sandbox, password="a/pass@word", **secure)
        (mail,) = sandbox.mail.received.records
        assert (mail.tls, mail.login) == (True, "calguard")
