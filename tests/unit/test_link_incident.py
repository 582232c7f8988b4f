"""When a link's failure is told to its account although no page stops, and when its end is."""

import pytest
from msgspec.structs import replace

from calguard_server.domain.account import Account, Channel, LinkAlerts
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.follow_up import FollowUp, Situation
from calguard_server.domain.incident import Incident, Told
from calguard_server.domain.link_incident import (
    LinkTelling,
    decide_link_follow_up,
    decide_link_telling,
    link_suppress_reason,
)
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import IncidentStep, NoticeKind
from calguard_server.domain.silence import Silence
from tests.unit.builders import EARLIER, NOW, make_account, make_delivery, make_fault, make_link, minutes

ALWAYS, RULES = make_account(link_alerts=LinkAlerts.ALWAYS), make_account()
WELL, DEGRADED, FAILED, STOPPED = (make_link(state) for state in LinkState)
REACHED = (Told("ann", Channel.EMAIL, "failed", DeliveryState.SENT),)


def incident(*told: Told) -> Incident:
    return Incident(id="incident", booking_page_id="", calendar_link_id="ann-google", open_time=EARLIER, told=told)


def telling(
    before: CalendarLink,
    after: CalendarLink | None,
    within: Incident | None = None,
    *,
    account: object = ALWAYS,
    told_by_pages: bool = False,
) -> LinkTelling:
    return decide_link_telling(before, after, within, account, frozenset(Channel), told_by_pages=told_by_pages)  # type: ignore[arg-type]


@pytest.mark.parametrize("before", [WELL, DEGRADED, STOPPED])
def test_a_failure_is_told_to_whoever_asks_for_it(before: CalendarLink) -> None:
    """By every channel, naming the link."""
    told = telling(before, FAILED)
    [owed] = told.owed
    assert (told.reason, told.incident, owed.notice.kind) == ("FAILED", IncidentStep.OPEN, NoticeKind.LINK_FAILED)
    assert [(each.account_id, len(each.channels)) for each in owed.recipients] == [("ann", 2)]
    assert [fault.calendar_link_id for fault in owed.notice.faults] == ["ann-google"]


@pytest.mark.parametrize(
    ("account", "told_by_pages", "reason"),
    [(RULES, False, "NOT_ASKED_FOR"), (None, False, "NOT_ASKED_FOR"), (ALWAYS, True, "TOLD_BY_PAGES")],
)
def test_a_failure_that_is_not_told(account: object, reason: str, *, told_by_pages: bool) -> None:
    """By default, and where a page tells of it."""
    assert telling(WELL, FAILED, account=account, told_by_pages=told_by_pages) == LinkTelling(reason)  # type: ignore[arg-type]


def test_an_incident_is_told_once() -> None:
    """A link that stays FAILED, for whatever cause, is told of no more."""
    assert telling(FAILED, FAILED).reason == "UNCHANGED"
    assert telling(WELL, FAILED, incident(*REACHED)).reason == "UNCHANGED"


@pytest.mark.parametrize("after", [WELL, DEGRADED])
def test_its_end_is_told_to_whom_it_reached(after: CalendarLink) -> None:
    """By the channel that told them, also where they ask no longer for it."""
    told = telling(FAILED, after, incident(*REACHED), account=RULES)
    [owed] = told.owed
    assert (told.reason, told.incident, owed.notice.kind) == ("MENDED", IncidentStep.CLOSE, NoticeKind.LINK_RECOVERED)
    assert [(each.account_id, each.channels) for each in owed.recipients] == [("ann", (Channel.EMAIL,))]
    assert [fault.calendar_link_id for fault in owed.notice.faults] == ["ann-google"]
    assert telling(FAILED, after, incident()).owed == ()
    assert telling(FAILED, after).incident is IncidentStep.KEEP


@pytest.mark.parametrize("after", [STOPPED, None])
def test_a_link_that_is_ended_ends_in_silence(after: CalendarLink | None) -> None:
    """Disconnected or deleted: the person knows."""
    assert telling(FAILED, after, incident(*REACHED)) == LinkTelling("ENDED", IncidentStep.CLOSE)  # type: ignore[arg-type]
    assert telling(WELL, after).incident is IncidentStep.KEEP


@pytest.mark.parametrize(
    ("kind", "link", "account", "expected"),
    [
        ("LINK_FAILED", FAILED, ALWAYS, None),
        ("LINK_FAILED", FAILED, RULES, "NOT_WANTED"),
        ("LINK_FAILED", WELL, ALWAYS, "INCIDENT_OVER"),
        ("LINK_FAILED", DEGRADED, ALWAYS, "INCIDENT_OVER"),
        ("LINK_FAILED", STOPPED, ALWAYS, "INCIDENT_OVER"),
        ("LINK_FAILED", None, ALWAYS, "LINK_GONE"),
        ("LINK_RECOVERED", WELL, ALWAYS, None),
        ("LINK_RECOVERED", WELL, RULES, None),
        ("LINK_RECOVERED", FAILED, ALWAYS, "FAILED_AGAIN"),
        ("LINK_RECOVERED", None, ALWAYS, "LINK_GONE"),
    ],
)
def test_what_is_no_longer_true(kind: str, link: CalendarLink | None, account: object, expected: str | None) -> None:
    delivery = make_delivery(NoticeKind(kind), recipient_account_id="ann", faults=(make_fault("ann"),))
    assert link_suppress_reason(delivery, link, account, told=True) == expected  # type: ignore[arg-type]


def test_a_closed_incident_and_an_end_of_what_nobody_was_told() -> None:
    """The link failed again since, as another incident; and nobody heard of the first."""
    failed = make_delivery(NoticeKind.LINK_FAILED, incident_closed=True)
    recovered = make_delivery(NoticeKind.LINK_RECOVERED, incident_closed=True)
    assert link_suppress_reason(failed, FAILED, ALWAYS, told=False) == "INCIDENT_OVER"
    assert link_suppress_reason(recovered, WELL, ALWAYS, told=False) == "NEVER_TOLD"


# --- when a silence is over

HELD = Told("ann", Channel.SLACK, "failed", DeliveryState.SUPPRESSED, silenced=True, named=("ann",))


def follow_up(
    link: CalendarLink, *told: Told, account: Account = ALWAYS, silences: tuple[Silence, ...] = ()
) -> FollowUp:
    situation = Situation({"ann": account}, frozenset(Channel), silences, (), NOW)
    return decide_link_follow_up(replace(incident(*told), silenced_time=NOW), link, account, situation)


def test_a_failure_that_was_held_back_is_told_when_the_silence_is_over() -> None:
    """By the channel for which it was held back, where the link fails still."""
    decided = follow_up(FAILED, *REACHED, HELD)
    [owed] = decided.owed
    assert (decided.reason, owed.notice.kind, owed.notice.stage) == ("SILENCE_OVER", "LINK_FAILED", "failed:silenced:2")
    assert [each.channels for each in owed.recipients] == [(Channel.SLACK,)]
    assert decided.incident.silenced_time is None
    made_up = Told("ann", Channel.SLACK, "failed:silenced:2", DeliveryState.PENDING)
    assert follow_up(FAILED, *REACHED, HELD, made_up).owed == ()


def test_a_failure_that_is_not_to_be_told_any_more() -> None:
    """The link is mended, or they ask no longer for it."""
    assert follow_up(WELL, HELD).owed == follow_up(FAILED, HELD, account=RULES).owed == ()


def test_a_failure_that_is_still_silenced() -> None:
    end = NOW + minutes(9)
    by_link = Silence(
        id="s",
        booking_page_id="",
        account_id="",
        calendar_link_id="ann-google",
        end_time=end,
        reason="",
        create_time=NOW,
    )
    decided = follow_up(FAILED, HELD, silences=(by_link,))
    assert (decided.reason, decided.incident.silenced_time, decided.owed) == ("STILL_SILENCED", end, ())
