"""E-mail, before the sandbox's mail server, which asks for TLS and a password."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Self

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.notices import Channel
from calguard_server.notifiers.email import EmailNotifier
from calguard_server.notifiers.message import Address
from calguard_server.notifiers.smtp_options import SmtpOptions
from tests.contract.channel_harness import (
    AGAIN,
    DOUBTFUL,
    PATIENCE,
    REFUSED,
    ChannelHarness,
    Expected,
    Row,
    Situation,
)
from tests.fakes.world import ManualClock

PASSWORD, WRONG = "canary-smtp-password", "canary-wrong-password"
LOGIN = "ann"
_NETWORK = {
    Situation.SILENT_BEFORE: ("network/hang", "mail"),
    Situation.LOST_BEFORE: ("network/drop", "rcpt"),
    Situation.SILENT_AFTER: ("network/hang_after", "data"),
    Situation.LOST_AFTER: ("network/drop_after", "data"),
    Situation.GARBAGE_AFTER: ("network/garbage", "data"),
}
_HEADERS = [
    "Auto-Submitted", "Content-Language", "Content-Type", "Date",
    "From", "In-Reply-To", "MIME-Version", "Message-ID", "References", "Subject", "To",
]  # fmt: skip


def _row(fault: str, expected: Expected, detail: str, endpoint: str | None = None) -> Row:
    return Row(f"{fault} {endpoint or ''}".strip(), (fault, endpoint), expected, detail)


class EmailHarness(ChannelHarness):
    channel = Channel.EMAIL
    secrets = (PASSWORD, WRONG)
    rows = (
        _row("smtp/421", AGAIN, "SMTP 421: 4.3.2 Service not available, closing transmission channel"),
        _row("smtp/450", AGAIN, "SMTP 450: 4.2.1 Mailbox temporarily unavailable"),
        _row("smtp/451", AGAIN, "SMTP 451: 4.3.0 Local error in processing"),
        _row("smtp/452", AGAIN, "SMTP 452: 4.2.2 Mailbox full"),
        _row("smtp/530", AGAIN, "SMTP 530: 5.7.0 Authentication required"),
        _row("smtp/550", REFUSED, "SMTP 550: 5.1.1 No such user here"),
        _row("smtp/552", REFUSED, "SMTP 552: 5.2.2 Mailbox over quota"),
        _row("smtp/data_451", AGAIN, "SMTP 451: 4.3.0 Local error in processing"),
        _row("smtp/data_554", REFUSED, "SMTP 554: 5.7.1 Message refused"),
        _row("network/drop", AGAIN, "CONNECTION_LOST: ", "mail"),
        _row("network/garbage", AGAIN, "UNREADABLE_ANSWER: ", "rcpt"),
        _row("network/drop", DOUBTFUL, "CONNECTION_LOST: ", "data"),
        Row("a wrong password", WRONG, AGAIN, "SMTP 535: refused before the message, at connect or login"),
    )
    address = Address(email="ann@example.com")
    told = "ann@example.com"

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._password = PASSWORD
        self._made: list[EmailNotifier] = []
        self._tls: ssl.SSLContext | None = ssl.create_default_context(cadata=sandbox.smtp_certificate)

    @classmethod
    @asynccontextmanager
    async def running(cls, _folder: Path) -> AsyncIterator[Self]:
        options = SandboxOptions(seed="test", smtp_starttls=True, smtp_user=LOGIN, smtp_password=PASSWORD)
        async with Sandbox(options) as sandbox:
            harness = cls(sandbox)
            yield harness
            for hook in harness._made:
                await hook.close()

    def hook(self, timeout: timedelta = PATIENCE) -> EmailNotifier:
        options = SmtpOptions.parse(f"smtp://{LOGIN}:{self._password}@127.0.0.1:{self.sandbox.smtp_port}")
        sender = "Bookings <noreply@booking.example>"
        hook = EmailNotifier(options, sender, ManualClock(), timeout=timeout, tls_context=self._tls)
        self._made.append(hook)
        return hook

    async def meet(self, situation: Situation) -> None:
        if situation is Situation.NOBODY_LISTENS:
            await self.sandbox.set_listening("smtp", up=False)
        elif situation is Situation.NOT_TRUSTED:
            self._tls = None
        elif situation in _NETWORK:
            self.answer(_NETWORK[situation])

    def answer(self, answer: object) -> None:
        match answer:
            case (str(fault), endpoint):
                surface = "smtp" if fault.startswith("network") else None
                self.sandbox.fault(fault, surface=surface, endpoint=endpoint)
            case str(password):
                self._password = password

    def reached(self) -> bool:
        return any(rule.struck for rule in self.sandbox.faults.rules)

    def keys(self) -> list[str]:
        return [mail.message_id for mail in self.sandbox.mail.received.records]

    def check_harmless(self) -> None:
        [mail] = self.sandbox.mail.received.records
        assert mail.raw.isascii()
        parsed = message_from_bytes(mail.raw, policy=default)
        assert sorted(parsed.keys()) == _HEADERS
        assert [mailbox.addr_spec for mailbox in parsed["To"].addresses] == [self.told]
        assert mail.recipients == (self.told,)
        assert "<script" not in mail.html
        assert "\nBcc" not in mail.text
