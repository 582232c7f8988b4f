"""A letter as an e-mail: headers that nobody's name can forge, and a text with an HTML alternative."""

import re
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP

from calguard_server.notifiers.cleaning import NAME_MAX, id_token, one_line
from calguard_server.notifiers.headers import header_factory
from calguard_server.notifiers.letter import compose
from calguard_server.notifiers.message import NoticeMessage
from calguard_server.notifiers.templates import html_of, text_of

LINES_MAX = 100
CARDS_MAX = 25
_POLICY = SMTP.clone(cte_type="7bit", header_factory=header_factory())  # no server is asked for more than ASCII lines
_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


def mailbox(address: str, name: str = "") -> Mailbox:
    """Read an e-mail address; a domain in any script becomes its ASCII form.

    Raises ValueError for what is none, and for local parts that are not ASCII, which few servers take.
    """
    local, _, domain = address.strip().rpartition("@")
    ascii_domain = domain.encode("idna").decode("ascii") if domain else ""
    if not _LOCAL_PART.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        raise ValueError("not an e-mail address")
    return Mailbox(display_name=one_line(name, NAME_MAX), username=local, domain=ascii_domain)


def sender(text: str) -> Mailbox:
    """Read what mail is sent from: `noreply@example.com` or `Bookings <noreply@example.com>`. Raises ValueError."""
    header = SMTP.header_factory("From", one_line(text, len(text) + 1))
    if len(header.addresses) != 1:
        raise ValueError("expected one address: noreply@example.com, or Bookings <noreply@example.com>")
    [found] = header.addresses
    return mailbox(found.addr_spec, found.display_name)


def mail_of(message: NoticeMessage, origin: Mailbox, recipient: Mailbox, now: datetime) -> bytes:
    """Write the e-mail as it goes over the wire; the same message has the same Message-ID each time."""
    letter = compose(message, lines_max=LINES_MAX, cards_max=CARDS_MAX)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = origin
    mail["To"] = recipient
    mail["Subject"] = letter.subject
    mail["Date"] = now
    mail["Message-ID"] = f"<{id_token(message.message_id)}@{origin.domain}>"
    if message.incident_ids:
        # No message has these ids: naming an incident's in all of its messages makes one conversation of them, also
        # where the first was of several incidents and later ones are of one. Some programs read the one header, some
        # the other.
        parents = " ".join(f"<incident.{id_token(incident)}@{origin.domain}>" for incident in message.incident_ids)
        mail["In-Reply-To"] = mail["References"] = parents
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(text_of(letter))
    mail.add_alternative(html_of(letter), subtype="html")
    mail["Content-Language"] = letter.language
    return mail.as_bytes()
