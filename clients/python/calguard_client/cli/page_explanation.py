"""How an explanation of a booking page is told to people."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.text import Text

from calguard.v1 import booking_page_pb2, explanation_pb2
from calguard_client.cli.cells import enum_name, enum_names, state, text, texts, yes_no
from calguard_client.cli.session import Session
from calguard_client.cli.table import Cell, Column

_VERDICT_WORDS = {
    "NO_MEMBERS": "it has no members, and never stops by rule",
    "ALL_HEALTHY": "every member is healthy",
    "MEMBER_DEGRADED": "a member is degraded, which stops no page",
    "SOME_FAULTY": "some members are faulty, and the others are enough",
    "ANY_FAULTY_STOPS": "a member is faulty, and all are needed",
    "EVERY_FAULTY_STOPS": "every member is faulty",
}
_NOTICE_WORDS = {
    "STOPPED_BY_RULE": "the page stops",
    "ANOTHER_MEMBER_FAULTY": "another member of a stopped page is faulty",
    "ACCEPTING_AGAIN": "the page starts again",
    "STOPPED_BY_HAND": "it is stopped by hand",
    "NOT_STOPPED": "it goes on accepting bookings",
    "TOLD_ALREADY": "it stays stopped, and nothing of it is news",
    "UNCHANGED": "nothing changes",
}

_MEMBER_COLUMNS: Sequence[Column[explanation_pb2.ExplainedMember]] = (
    Column("member", lambda member: text(member.account_id)),
    Column("condition", lambda member: state(member, "condition")),
    Column("why", lambda member: enum_name(member, "reason")),
    Column("one failure stops", lambda member: yes_no(member.one_failure_from_stopping)),
    Column("link", lambda member: text(member.calendar_link_id)),
    Column("cause", lambda member: enum_name(member.cause, "reason")),
)


class _Telling(NamedTuple):
    """A notice to one recipient."""

    notice: explanation_pb2.ExplainedNotice
    recipient: explanation_pb2.ExplainedRecipient


_TELLING_COLUMNS: Sequence[Column[_Telling]] = (
    Column("notice", lambda telling: enum_name(telling.notice, "kind")),
    Column("to", lambda telling: text(telling.recipient.account_id)),
    Column("by", lambda telling: enum_names(telling.recipient, "channels")),
    Column("about", lambda telling: texts(telling.notice.faulty_account_ids), folds=True),
)


def show_explanation(session: Session, answer: booking_page_pb2.ExplainBookingPageResponse) -> None:
    """Show where a page stands and would stand, why, its members, and who would be told."""
    if session.as_json:
        session.screen.document(answer)
        return
    session.screen.details(_details(answer))
    if answer.members:
        session.screen.line("")
        session.screen.table(_MEMBER_COLUMNS, answer.members)
    if tellings := [_Telling(notice, each) for notice in answer.notices for each in notice.recipients]:
        session.screen.line("")
        session.screen.table(_TELLING_COLUMNS, tellings)


def _details(answer: booking_page_pb2.ExplainBookingPageResponse) -> Iterator[tuple[str, Cell]]:
    yield "booking page", text(answer.booking_page.id)
    yield "mode", enum_name(answer.booking_page, "scheduling_mode")
    yield "stands", _standing(answer.booking_page)
    if any(member.assumed for member in answer.members):
        yield "would stand", _standing(answer.verdict)
    yield "rule", _with_words(enum_name(answer.verdict, "reason"), _VERDICT_WORDS)
    who = "those below" if answer.notices else "nobody"
    yield "would be told", f"{who}; {_with_words(enum_name(answer, 'notice_reason'), _NOTICE_WORDS)}"


def _standing(of: booking_page_pb2.BookingPage | booking_page_pb2.ExplainedVerdict) -> Text:
    told = state(of)
    if of.stop_cause not in (booking_page_pb2.STOP_CAUSE_UNSPECIFIED, booking_page_pb2.STOP_CAUSE_NONE):
        told = Text.assemble(told, f"  {enum_name(of, 'stop_cause')}")
    return told


def _with_words(name: str, words: dict[str, str]) -> str:
    return f"{name}: {words[name]}" if name in words else name
