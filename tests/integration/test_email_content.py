"""E-mail over real sockets: what arrives, and at which addresses."""

import re
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default

import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.account import Locale
from calguard_server.notifiers.message import Address
from tests.integration.mail_harness import send_once
from tests.unit.notice_messages import make_message, make_page, make_pages


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed="test")) as running:
        yield running


async def test_a_message_arrives(sandbox: Sandbox) -> None:
    """One recipient, both forms of the text, and the headers that mark it as made by a machine."""
    message = make_message(pages=make_pages(3))
    outcome = await send_once(sandbox.smtp_url, message)
    assert (outcome.sent, outcome.address) == (True, "ann@example.com")
    [mail] = sandbox.mail.received.records
    assert mail.sender == "noreply@booking.example"
    assert mail.recipients == ("ann@example.com",)
    assert mail.subject == "Booking page stopped: Demo 1 and 2 more"
    assert mail.message_id == "<message-1@booking.example>"
    assert mail.headers["From"] == "Bookings <noreply@booking.example>"
    assert mail.headers["To"] == "Hanako Sato <ann@example.com>"
    assert mail.headers["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    assert mail.headers["References"] == "<incident.incident-1@booking.example>"
    assert mail.headers["Content-Type"].startswith("multipart/alternative")
    assert "Hello Hanako Sato," in mail.text
    assert '<html lang="en">' in mail.html


async def test_the_same_delivery_has_the_same_message_id(sandbox: Sandbox) -> None:
    """So that a mail program can drop a duplicate; an id that no header could hold is hashed."""
    message = make_message(message_id="incident 7/<olga>\r\nX: y" * 9, incident_ids=())
    for _ in range(2):
        assert (await send_once(sandbox.smtp_url, message)).sent
    first, second = sandbox.mail.received.records
    assert first.message_id == second.message_id
    assert re.fullmatch(r"<[0-9a-f]{32}@booking\.example>", first.message_id)
    assert "References" not in first.headers


@pytest.mark.parametrize(
    "name",
    [
        "花子\r\nBcc: x@evil.example",
        "Eve, <x@evil.example>",
        "花子, <x@evil.example>, " * 9,
        '"quoted" \\ (comment)',
        "=?utf-8?q?x?=\n\n<script>",
        "ä" * 500,
        "",
    ],
)
async def test_names_cannot_forge_headers(sandbox: Sandbox, name: str) -> None:
    """Whatever a name or title holds, the headers are ours and the recipient is one."""
    message = make_message(locale=Locale.JAPANESE, recipient_name=name, pages=(make_page(title=name),))
    assert (await send_once(sandbox.smtp_url, message)).sent
    [mail] = sandbox.mail.received.records
    assert mail.raw.isascii()
    parsed = message_from_bytes(mail.raw, policy=default)
    assert [mailbox.addr_spec for mailbox in parsed["To"].addresses] == ["ann@example.com"]
    assert "Bcc" not in parsed
    assert sorted(parsed.keys()) == [
        "Auto-Submitted", "Content-Language", "Content-Type", "Date",
        "From", "In-Reply-To", "MIME-Version", "Message-ID", "References", "Subject", "To",
    ]  # fmt: skip
    assert max(len(line) for line in mail.raw.splitlines()) < 998
    assert "予約ページが停止しました" in mail.subject
    assert "サポート" in mail.text


@pytest.mark.parametrize(
    "email", ["", "nobody", "a b@example.com", "a@b\r\nRCPT TO:<x@y>", "日本@example.com", "a@b,c@d"]
)
async def test_what_is_no_address_is_permanent(sandbox: Sandbox, email: str) -> None:
    """No server is asked."""
    outcome = await send_once(sandbox.smtp_url, make_message(), Address(email=email))
    assert (outcome.sent, outcome.permanent) == (False, True)
    assert outcome.detail.startswith("BAD_ADDRESS")
    assert sandbox.mail.received.records == []


@pytest.mark.parametrize(
    ("email", "reached"),
    [
        ("ann@münchen.example", "ann@xn--mnchen-3ya.example"),
        ("a..b.@docomo.example", "a..b.@docomo.example"),
        (" ann+x@example.com ", "ann+x@example.com"),
    ],
)
async def test_unusual_addresses_are_reached(sandbox: Sandbox, email: str, reached: str) -> None:
    """Domains in any script; dots where old Japanese carriers allowed them."""
    outcome = await send_once(sandbox.smtp_url, make_message(), Address(email=email))
    assert (outcome.sent, outcome.address) == (True, reached)
    assert sandbox.mail.received.records[0].recipients == (reached,)
