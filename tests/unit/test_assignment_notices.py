"""Who is told when an appointment is assigned to a faulty member."""

import pytest

from calguard_server.domain.notices import Notice, NoticeKind, decide_assignment_notice
from calguard_server.domain.page import Condition, FaultyMembers, PagePhase, SchedulingMode, decide_page
from tests.unit.builders import NOW, make_fault, make_health, make_page


@pytest.mark.parametrize("faulty_members", list(FaultyMembers))
@pytest.mark.parametrize("owner", ["olga", "ann", "bob"])
@pytest.mark.parametrize("mode", list(SchedulingMode))
@pytest.mark.parametrize("phase", list(PagePhase))
def test_who_is_told_of_an_assignment(
    mode: SchedulingMode, owner: str, faulty_members: FaultyMembers, phase: PagePhase
) -> None:
    """Owner and member are told of each appointment that AUTO_ASSIGN gives to a faulty member, and of no other."""
    page = make_page(mode, ["ann", "bob"], ["ann"], phase, owner_account_id=owner, faulty_members=faulty_members)
    assert decide_assignment_notice(page, "bob", "appointment-1") is None
    notice = decide_assignment_notice(page, "ann", "appointment-1")
    if mode.value != "AUTO_ASSIGN":
        assert notice is None
        return
    recipients = ("ann",) if owner == "ann" else (owner, "ann")
    assert notice == Notice(NoticeKind.ASSIGNED_TO_FAULTY, "assigned:appointment-1", recipients, (make_fault("ann"),))


def test_each_assignment_is_told() -> None:
    """Two appointments to the same faulty member are two notices."""
    page = make_page(SchedulingMode.AUTO_ASSIGN, ["ann", "bob"], ["ann"], PagePhase.DEGRADED)
    notices = [decide_assignment_notice(page, "ann", appointment) for appointment in ("one", "two")]
    assert [notice and notice.stage for notice in notices] == ["assigned:one", "assigned:two"]


def test_an_assignment_to_a_degraded_member_is_not_told() -> None:
    """A degraded member is not a faulty one."""
    members = [make_health("ann", Condition.DEGRADED), make_health("bob", Condition.HEALTHY)]
    page = decide_page(make_page(SchedulingMode.AUTO_ASSIGN), members, NOW).page
    assert decide_assignment_notice(page, "ann", "appointment") is None
