"""What people are told: everything that is owed, in both languages."""

import itertools
from datetime import timedelta

import pytest

from calguard_server.domain.account import Locale
from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.notifiers.message import AlertTopic
from calguard_server.notifiers.templates import LINE_MAX, html_of, text_of
from calguard_server.notifiers.wording import WORDINGS
from tests.unit.notice_messages import (
    APPOINTMENT,
    NOW,
    RELINK,
    SUPPORT,
    make_alert,
    make_appointment,
    make_fault,
    make_message,
    make_page,
    make_pages,
)
from tests.unit.notice_reading import check_form, read_in_every_form, write

TELLING = [kind for kind in NoticeKind if kind is not NoticeKind.OPERATOR_ALERT]
MENDED = (NoticeKind.PAGE_RESTARTED, NoticeKind.APPOINTMENT_CONFLICT)
FAULT_KINDS = [kind for kind in TELLING if kind not in MENDED and not kind.of_link]
ROLES = {"owner": ("olga", True, False), "at fault": ("hanako", False, True), "both": ("hanako", True, True)}


@pytest.mark.parametrize(
    ("kind", "locale", "role", "count"), [*itertools.product(NoticeKind, Locale, ROLES, (1, 2, 60))]
)
def test_every_message_renders(kind: NoticeKind, locale: Locale, role: str, count: int) -> None:
    """Whatever the kind, language, role and number of pages: well-formed, and within Slack's limits."""
    recipient_id, is_owner, is_at_fault = ROLES[role]
    pages = () if kind is NoticeKind.OPERATOR_ALERT else make_pages(count)
    message = make_message(
        kind, locale=locale, recipient_id=recipient_id, is_owner=is_owner, is_at_fault=is_at_fault, pages=pages
    )
    check_form(write(message))
    for read in read_in_every_form(message).values():
        assert "{" not in read


@pytest.mark.parametrize(("kind", "locale"), [*itertools.product(FAULT_KINDS, Locale)])
def test_every_fault_is_told_in_full(kind: NoticeKind, locale: Locale) -> None:
    """Which calendar of whom, what is wrong, which pages, what to do and where, untouched bookings, and support."""
    words = WORDINGS[locale]
    for read in read_in_every_form(make_message(kind, locale=locale)).values():
        assert "Sales team" in read
        assert "Hanako Sato" in read
        assert "hanako@gmail.example" in read
        assert words.reasons[CauseReason.AUTHORIZATION_REVOKED].problem in read
        assert words.reasons[CauseReason.AUTHORIZATION_REVOKED].own in read
        assert words.labels.checkboxes_own in read
        assert RELINK in read
        assert "Demo 1" in read
        assert words.labels.stopped_pages in read
        assert words.sentences.untouched in read
        assert SUPPORT in read


@pytest.mark.parametrize("locale", Locale)
def test_an_owner_is_told_whom_to_ask(locale: Locale) -> None:
    """Who cannot mend it is told who can, and where."""
    message = make_message(locale=locale, recipient_id="olga", is_owner=True, is_at_fault=False)
    words = WORDINGS[locale]
    for read in read_in_every_form(message).values():
        assert words.reasons[CauseReason.AUTHORIZATION_REVOKED].other.format(name="Hanako Sato") in read
        assert words.reasons[CauseReason.AUTHORIZATION_REVOKED].own not in read
        assert words.labels.checkboxes_other.format(name="Hanako Sato") in read
        assert RELINK in read


@pytest.mark.parametrize(("kind", "locale"), [*itertools.product(FAULT_KINDS, Locale)])
def test_no_page_stopped_is_said(kind: NoticeKind, locale: Locale) -> None:
    """A message about a page that goes on says so."""
    message = make_message(kind, locale=locale, pages=(make_page(stopped=False),))
    for read in read_in_every_form(message).values():
        assert WORDINGS[locale].sentences.no_page_stopped in read
        assert WORDINGS[locale].labels.stopped_pages not in read


@pytest.mark.parametrize("locale", Locale)
def test_a_restart_names_the_pages(locale: Locale) -> None:
    """Which pages accept bookings again, without a word of what was wrong."""
    message = make_message(NoticeKind.PAGE_RESTARTED, locale=locale, pages=make_pages(2, stopped=False))
    for read in read_in_every_form(message).values():
        assert WORDINGS[locale].labels.accepting_pages in read
        assert "Demo 1" in read
        assert "Demo 2" in read
        assert WORDINGS[locale].labels.faults not in read
        assert WORDINGS[locale].sentences.no_page_stopped not in read


@pytest.mark.parametrize("locale", Locale)
def test_a_link_that_failed_is_told_in_full(locale: Locale) -> None:
    """Whose calendar, what is wrong, what to do and where, and why they are told; no word of pages."""
    words = WORDINGS[locale]
    for read in read_in_every_form(make_message(NoticeKind.LINK_FAILED, locale=locale, pages=())).values():
        assert "hanako@gmail.example" in read
        assert words.reasons[CauseReason.AUTHORIZATION_REVOKED].problem in read
        assert words.labels.checkboxes_own in read
        assert RELINK in read
        assert SUPPORT in read
        assert words.sentences.why_link in read
        assert words.sentences.no_page_stopped not in read
        assert words.labels.stopped_pages not in read


@pytest.mark.parametrize("locale", Locale)
def test_a_link_that_is_mended_is_named(locale: Locale) -> None:
    """By its Google account, without a word of what was wrong."""
    words = WORDINGS[locale]
    for read in read_in_every_form(make_message(NoticeKind.LINK_RECOVERED, locale=locale, pages=())).values():
        assert "hanako@gmail.example" in read
        assert words.kinds[NoticeKind.LINK_RECOVERED].opening_one in read
        assert words.labels.faults not in read
        assert RELINK not in read


def test_several_links_are_told_of_as_several() -> None:
    """The opening is that for several."""
    faults = (make_fault(), make_fault(provider_email="work@gmail.example"))
    for kind in (NoticeKind.LINK_FAILED, NoticeKind.LINK_RECOVERED):
        read = read_in_every_form(make_message(kind, pages=(), faults=faults))["text"]
        assert WORDINGS[Locale.ENGLISH].kinds[kind].opening_many in read
        assert "work@gmail.example" in read


@pytest.mark.parametrize("kind", NoticeKind)
def test_lines_of_plain_text_are_short(kind: NoticeKind) -> None:
    """An address stands on a line of its own, whole."""
    long = f"https://booking.example/{'x' * 90}"
    lines = text_of(write(make_message(kind, faults=(make_fault(relink_url=long),), support_url=long))).splitlines()
    assert all(len(line) <= LINE_MAX or line.strip() == long for line in lines)


def test_a_broken_line_of_a_list_stays_in_the_list() -> None:
    """Its rest is indented, so that no title can look like a paragraph of ours."""
    page = make_page(title="A title of some length, about interviews", stopped_since=NOW)
    text = text_of(write(make_message(pages=(page,))))
    assert "\n  - A title of some length, about interviews – all members take part;\n    stopped since" in text


def test_japanese_has_its_own_punctuation() -> None:
    """No space between sentences, and wide colons; of kinds that end well, support is offered for questions alone."""
    fault = make_fault(reason=CauseReason.SCOPE_MISSING, capability=Capability.CHECK)
    for kind in TELLING:
        text = text_of(write(make_message(kind, locale=Locale.JAPANESE, faults=(fault,))))
        assert "。 " not in text
        assert ": " not in text
        offered = "解決しない場合" in text
        assert offered is (kind is not NoticeKind.LINK_RECOVERED)
    restarted = text_of(write(make_message(NoticeKind.PAGE_RESTARTED, locale=Locale.JAPANESE)))
    assert "解決しない場合" not in restarted


def test_a_subject_is_short() -> None:
    """The first page's title, and how many more."""
    assert write(make_message(pages=make_pages(1))).subject == "Booking page stopped: Demo 1"
    assert write(make_message(pages=make_pages(3))).subject == "Booking page stopped: Demo 1 and 2 more"
    assert len(write(make_message(pages=(make_page(title="long " * 99),))).subject) < 120


@pytest.mark.parametrize(("locale", "more"), [(Locale.ENGLISH, "and 40 more"), (Locale.JAPANESE, "ほか40件")])
def test_a_long_list_is_cut(locale: Locale, more: str) -> None:
    """It says how many it leaves out."""
    message = make_message(locale=locale, pages=make_pages(60))
    for read in read_in_every_form(message).values():
        assert "Demo 20" in read
        assert "Demo 21" not in read
        assert more in read


def test_many_faults_are_cut() -> None:
    """A page of a hundred members, all at fault, is still one readable message."""
    faults = tuple(make_fault(account_id=f"a{n}", account_name=f"Member {n}") for n in range(100))
    message = make_message(recipient_id="olga", faults=faults)
    check_form(write(message))
    assert "and 92 more" in text_of(write(message))


@pytest.mark.parametrize("locale", Locale)
def test_an_appointment_is_described(locale: Locale) -> None:
    """What, when, and to whom; one that ends on another day says both days."""
    overnight = make_appointment(title="Night shift", end_time=NOW + timedelta(days=1))
    message = make_message(NoticeKind.ASSIGNED_TO_FAULTY, locale=locale, appointments=(make_appointment(), overnight))
    for read in read_in_every_form(message).values():
        assert "First meeting" in read
        assert "09:00–09:30 UTC" in read
        assert read.count("09:00 UTC") == 2
        assert read.count(APPOINTMENT) == 2


@pytest.mark.parametrize("locale", Locale)
def test_what_is_in_the_way_is_told_by_its_times(locale: Locale) -> None:
    """At most three of them, and how many more; where the appointment is given to somebody else."""
    times = [(NOW + timedelta(minutes=5 * each), NOW + timedelta(minutes=5 * each + 2)) for each in range(5)]
    appointment = make_appointment(conflicts=tuple(times))
    message = make_message(NoticeKind.APPOINTMENT_CONFLICT, locale=locale, appointments=(appointment,))
    for read in read_in_every_form(message).values():
        assert "First meeting" in read
        assert [read.count(each) for each in ("09:00–09:02", "09:10–09:12", "09:15–09:17")] == [1, 1, 0]
        assert WORDINGS[locale].labels.more.format(count=2) in read
        assert APPOINTMENT in read
        assert WORDINGS[locale].own_appointments[NoticeKind.APPOINTMENT_CONFLICT].closing in read
        assert WORDINGS[locale].sentences.questions in read


@pytest.mark.parametrize(
    ("kind", "locale"), [*itertools.product((NoticeKind.ASSIGNED_TO_FAULTY, NoticeKind.APPOINTMENT_CONFLICT), Locale)]
)
def test_nobody_is_asked_to_check_with_themselves(kind: NoticeKind, locale: Locale) -> None:
    """Whose own all the appointments are, is asked about their own time; who has others' among them, to ask these."""
    own, others = make_appointment(), make_appointment(account_id="ben", account_name="Ben")
    to_owner = {"recipient_id": "olga", "is_owner": True, "is_at_fault": False}
    words = WORDINGS[locale]
    mine, theirs = words.own_appointments[kind], words.kinds[kind]
    assert mine.subject == theirs.subject
    for expected, other, appointments, fields in (
        (mine, theirs, (own,), {}),
        (theirs, mine, (own,), to_owner),
        (theirs, mine, (own, others), {}),
    ):
        message = make_message(kind, locale=locale, appointments=appointments, **fields)
        for read in read_in_every_form(message).values():
            assert (expected.opening_many if len(appointments) > 1 else expected.opening_one) in read
            assert expected.closing in read
            assert other.closing not in read


@pytest.mark.parametrize(("topic", "locale"), [*itertools.product(AlertTopic, Locale)])
def test_an_alert_has_its_facts(topic: AlertTopic, locale: Locale) -> None:
    """Reason, count, since when, and what the reason means where it is one of a link's."""
    alert = make_alert(topic=topic, detail="slack invalid_auth")
    message = make_message(NoticeKind.OPERATOR_ALERT, locale=locale, alert=alert)
    for read in read_in_every_form(message).values():
        assert WORDINGS[locale].alerts[topic] in read
        assert WORDINGS[locale].reasons[CauseReason.APP_MISCONFIGURED].problem in read
        assert all(fact in read for fact in ("APP_MISCONFIGURED", "12", "slack invalid_auth", "09:00 UTC"))


def test_what_the_operator_mends_asks_nothing_of_users() -> None:
    """No link to reconnect where reconnecting is of no use."""
    fault = make_fault(reason=CauseReason.APP_MISCONFIGURED, operator_side=True)
    for read in read_in_every_form(make_message(faults=(fault,))).values():
        assert "nothing for you to do" in read
        assert RELINK not in read


def test_a_missing_permission_is_named() -> None:
    """Which of the checkboxes it was."""
    fault = make_fault(reason=CauseReason.SCOPE_MISSING, capability=Capability.CHECK)
    assert "What is missing: to see when the calendars are busy." in text_of(write(make_message(faults=(fault,))))


def test_a_calendar_without_a_name() -> None:
    """Its id stands in; where the whole account fails, every calendar of it is meant."""
    by_id = make_fault(calendar_name="", calendar_id="c_123@group.calendar.google.com")
    assert "c_123@group.calendar.google.com" in text_of(write(make_message(faults=(by_id,))))
    account = make_fault(calendar_name="")
    assert "every calendar linked through this Google account" in text_of(write(make_message(faults=(account,))))


@pytest.mark.parametrize("locale", Locale)
def test_the_language_has_every_text(locale: Locale) -> None:
    """No kind, reason, capability, mode or topic is without words, and placeholders are those that are filled in."""
    words = WORDINGS[locale]
    assert set(words.kinds) == set(NoticeKind)
    assert set(words.reasons) == set(CauseReason)
    assert set(words.capabilities) == set(Capability)
    assert set(words.modes) == set(SchedulingMode)
    assert set(words.alerts) == set(AlertTopic)
    for reason in words.reasons.values():
        assert reason.problem
        assert "{" not in reason.problem
        assert "{" not in reason.own
        assert "{" not in reason.other.format(name="Hanako")


@pytest.mark.parametrize("locale", Locale)
def test_the_page_names_its_language(locale: Locale) -> None:
    """So that it is read aloud, and its characters drawn, in the right one."""
    assert html_of(write(make_message(locale=locale))).startswith(f'<!DOCTYPE html>\n<html lang="{locale.value}">')


def test_a_reminder_says_since_when() -> None:
    """Where that is known."""
    page = make_page(stopped_since=NOW - timedelta(days=3))
    assert "stopped since 2026-02-27 09:00 UTC" in text_of(write(make_message(NoticeKind.REMINDER, pages=(page,))))
