"""The e-mails received."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from calguard_sandbox.journal import Journal


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A message with its envelope. `headers` are decoded; of a header sent twice the last is kept."""

    time: datetime
    sender: str
    recipients: tuple[str, ...]
    headers: dict[str, str]
    text: str
    html: str
    raw: bytes
    tls: bool = False
    login: str | None = None

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return self.headers.get("Subject", "")

    @property
    def message_id(self) -> str:
        """The Message-ID, with its angle brackets."""
        return self.headers.get("Message-ID", "")

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        return {
            "time": self.time.isoformat(),
            "sender": self.sender,
            "recipients": list(self.recipients),
            "subject": self.subject,
            "message_id": self.message_id,
            "headers": self.headers,
            "text": self.text,
            "html": self.html,
            "raw": self.raw.decode(errors="replace"),
            "tls": self.tls,
            "login": self.login,
        }


class MailState:
    """The mailbox of everybody."""

    def __init__(self) -> None:
        self.received: Journal[ReceivedMail] = Journal()

    def reset(self) -> None:
        """Empty it."""
        self.received.clear()


def parse(
    raw: bytes, *, time: datetime, sender: str, recipients: list[str], tls: bool, login: str | None
) -> ReceivedMail:
    """The message that came over the wire."""
    message = message_from_bytes(raw, policy=default)
    return ReceivedMail(
        time=time,
        sender=sender,
        recipients=tuple(recipients),
        headers={name: str(value) for name, value in message.items()},
        text=_part(message, "plain"),
        html=_part(message, "html"),
        raw=raw,
        tls=tls,
        login=login,
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
