"""The headers of an e-mail: what makes a conversation of messages, and that nobody's text makes headers."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calguard_server.domain.account import Locale
from calguard_server.domain.notices import NoticeKind
from calguard_server.notifiers.envelope import mail_of, mailbox, sender
from calguard_server.notifiers.message import NoticeMessage
from tests.unit.conversations import conversations
from tests.unit.notice_messages import NOW, make_alert, make_appointment, make_fault, make_message, make_page

SENDER = sender("Bookings <noreply@booking.example>")
ANN = "ann@example.com"
OURS = {
    "Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "In-Reply-To", "MIME-Version", "Message-ID",
    "References", "Subject", "To",
}  # fmt: skip

BREAKS = ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0")
FORGERIES = ("Bcc: x@evil.example", "Subject: owned", " folded", "Content-Type: text/html", "\r\n<b>body</b>", ".")
HOSTILE = st.lists(
    st.one_of(st.sampled_from(BREAKS + FORGERIES), st.text(max_size=40), st.text('é予<>@,;:\\"()=?_ ', max_size=200)),
    max_size=12,
).map("".join)


def written(message: NoticeMessage, address: str = ANN) -> tuple[bytes, EmailMessage]:
    raw = mail_of(message, SENDER, mailbox(address, message.recipient_name), NOW)
    return raw, message_from_bytes(raw, policy=default)


def mail(message_id: str, *incidents: str, kind: NoticeKind = NoticeKind.PAGE_STOPPED) -> EmailMessage:
    return written(make_message(kind, message_id=message_id, incident_ids=incidents))[1]


@pytest.mark.parametrize("header", ["References", "In-Reply-To"])
@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([("1", "a"), ("2", "a"), ("3", "a")], [["1", "2", "3"]]),
        ([("1", "a", "b"), ("2", "a"), ("3", "b")], [["1", "2", "3"]]),
        ([("1", "a"), ("2", "b"), ("3", "a", "b")], [["1", "2", "3"]]),
        ([("1", "a"), ("2", "b"), ("3", "b")], [["1"], ["2", "3"]]),
        ([("2", "a"), ("1", "a")], [["2", "1"]]),
        ([("1",), ("2",)], [["1"], ["2"]]),
    ],
)
def test_what_is_told_of_an_incident_is_one_conversation(
    header: str, told: list[tuple[str, ...]], shown: list[list[str]]
) -> None:
    """Also where one message tells of several; and whichever header a program goes by, and whichever came first."""
    found = conversations([mail(number, *incidents) for number, *incidents in told], header)
    assert found == [[f"<{number}@booking.example>" for number in group] for group in shown]


def test_a_message_of_many_incidents_names_them_all() -> None:
    """Folded, and never encoded as text is: no program would read that as an id."""
    incidents = tuple(f"incident-{'0' * 20}{number}" for number in range(64))
    raw, read = written(make_message(incident_ids=incidents))
    assert str(read["References"]).split() == [f"<incident.{each}@booking.example>" for each in incidents]
    assert b"=?" not in raw.partition(b"References:")[2].partition(b"Auto-Submitted")[0]
    assert max(map(len, raw.splitlines())) < 998


UNSUBSCRIBE = f"https://calguard.example.com/a/path/unsubscribe/{'x' * 84}.{'y' * 22}"


def test_unsubscribing_takes_one_click() -> None:
    """RFC 8058; the address is whole, however long it is, and in both forms of the text."""
    raw, read = written(make_message(NoticeKind.LINK_FAILED, pages=(), unsubscribe_url=UNSUBSCRIBE))
    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode() in raw
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, page = (str(part.get_content()) for part in read.iter_parts())
    assert f"Stop these messages: {UNSUBSCRIBE}" in " ".join(text.split())
    assert f'href="{UNSUBSCRIBE}"' in page


def test_long_ids_are_not_encoded() -> None:
    """Neither of a long domain nor of a long incident."""
    long = sender(f"noreply@{'d' * 60}.example")
    raw = mail_of(make_message(message_id="m" * 40, incident_ids=("i" * 40,)), long, mailbox(ANN), NOW)
    for header in ("Message-ID: <mmm", "References: <incident.iii", "In-Reply-To: <incident.iii"):
        assert header.encode() in raw


def test_the_same_delivery_is_the_same_message() -> None:
    """Whenever it is tried, and whatever is true by then."""
    first = written(make_message(pages=(make_page(title="before"),)))[1]
    again = written(make_message(pages=(make_page(title="after"),)))[1]
    assert first["Message-ID"] == again["Message-ID"] == "<message-1@booking.example>"


@pytest.mark.parametrize("kind", NoticeKind)
@given(text=HOSTILE, locale=st.sampled_from(Locale))
def test_no_text_makes_a_header(kind: NoticeKind, text: str, locale: Locale) -> None:
    """Names, titles, ids and addresses of whatever characters and length: the headers are ours, once each."""
    message = make_message(
        kind,
        locale=locale,
        message_id=text,
        incident_ids=(text, "incident-1"),
        recipient_name=text,
        pages=(make_page(title=text),),
        faults=(make_fault(account_name=text, provider_email=text, calendar_name=text, relink_url=text),),
        appointments=(make_appointment(title=text, account_name=text),),
        alert=make_alert(reason=text, detail=text) if kind is NoticeKind.OPERATOR_ALERT else None,
    )
    raw, read = written(message)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert set(read.keys()) == OURS
    assert len(read.keys()) == len(OURS)
    assert [each.addr_spec for each in read["To"].addresses] == [ANN]
    assert [each.addr_spec for each in read["From"].addresses] == ["noreply@booking.example"]
    assert re.fullmatch(r"<[A-Za-z0-9_-]+@booking\.example>", str(read["Message-ID"]).strip())
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]


@given(st.one_of(HOSTILE, st.emails(), HOSTILE.map(lambda text: f"{text}@example.com"), HOSTILE.map("ann@".__add__)))
def test_an_address_is_one_or_none(text: str) -> None:
    """What is taken as an address holds nothing that ends a command, or makes two of it."""
    try:
        taken = mailbox(text)
    except ValueError:
        return
    assert re.fullmatch(r"[!-~]{1,64}@[A-Za-z0-9.-]+", taken.addr_spec)
    assert not set(taken.addr_spec) & set('<>,;:()[]"\\')
    _, read = written(make_message(recipient_name=text), text)
    assert [each.addr_spec for each in read["To"].addresses] == [taken.addr_spec]
