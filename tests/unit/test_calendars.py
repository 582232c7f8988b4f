"""What a calendar can be used for, and why not."""

from itertools import combinations

import pytest

from calguard_server.domain.calendars import CHECK_CALENDARS_MAX, WRITING_ROLES, CalendarUse, judge_calendar
from calguard_server.domain.scopes import REQUESTED_SCOPES
from tests.unit.link_runs import WITHOUT_ADDING, WITHOUT_CHECKING, WITHOUT_LISTING

WRITING = ["writer", "writerWithoutPrivateAccess", "owner"]
READING = ["reader", "freeBusyReader"]
PREFIX = "https://www.googleapis.com/auth/"


@pytest.mark.parametrize("role", WRITING)
def test_a_role_that_writes(role: str) -> None:
    """Writers and owners can be checked and added to, and nothing is refused."""
    assert judge_calendar(role, REQUESTED_SCOPES) == CalendarUse(can_check=True, can_add=True, refusal="")


@pytest.mark.parametrize("role", [*READING, "none", "", "Owner", "aRoleThatGoogleInventsNext"])
def test_any_other_role_only_checks(role: str) -> None:
    """Any role can be checked; one that is not known to write cannot be added to, and the refusal names it."""
    use = judge_calendar(role, REQUESTED_SCOPES)
    assert (use.can_check, use.can_add) == (True, False)
    assert f'the role "{role}" may not add events' in use.refusal
    assert '"Make changes to events"' in use.refusal


def test_the_writing_roles() -> None:
    """The three roles that the vendor documents as writing, and no other, write."""
    assert set(WRITING) == WRITING_ROLES


@pytest.mark.parametrize("role", [*WRITING, *READING])
def test_without_the_permission_to_add(role: str) -> None:
    """A box that was not ticked is what to mend first: no role is blamed for it, and checking goes on."""
    use = judge_calendar(role, WITHOUT_ADDING)
    assert (use.can_check, use.can_add) == (True, False)
    assert use.refusal == "the permission to add events was not given: reconnect and tick every checkbox"


@pytest.mark.parametrize(
    ("role", "can_add"), [*[(role, True) for role in WRITING], *[(role, False) for role in READING]]
)
def test_without_the_permission_to_check(role: str, *, can_add: bool) -> None:
    """Without the permission to see busy time no calendar can be checked; adding is judged apart from it."""
    use = judge_calendar(role, WITHOUT_CHECKING)
    assert (use.can_check, use.can_add) == (False, can_add)
    first, *others = use.refusal.split("; ")
    assert first == "the permission to see busy time was not given: reconnect and tick every checkbox"
    assert len(others) == (0 if can_add else 1)
    assert all(f'the role "{role}"' in other for other in others)


@pytest.mark.parametrize("granted", [(), ("openid", "email"), ("calendar",), (f"{PREFIX}calendar.settings.readonly",)])
def test_a_grant_that_permits_neither(granted: tuple[str, ...]) -> None:
    """Whoever ticked no box is told of both permissions that are missing."""
    use = judge_calendar("owner", granted)
    assert (use.can_check, use.can_add) == (False, False)
    assert "see busy time" in use.refusal
    assert "add events" in use.refusal


@pytest.mark.parametrize(
    ("granted", "can_check", "can_add"),
    [
        (["calendar"], True, True),
        (["calendar.readonly"], True, False),
        (["calendar.events.freebusy", "calendar.events"], True, True),
        (["calendar.events"], False, True),
        (["calendar.freebusy"], True, False),
    ],
)
def test_any_scope_that_permits_it_will_do(granted: list[str], *, can_check: bool, can_add: bool) -> None:
    """A grant is judged by what it permits, not by whether it is the one that was asked for."""
    use = judge_calendar("owner", [PREFIX + name for name in granted])
    assert (use.can_check, use.can_add) == (can_check, can_add)


def test_an_owned_calendar_with_the_scope_for_owned_ones() -> None:
    """The scope for events of owned calendars permits adding to one that the account owns."""
    assert judge_calendar("owner", [PREFIX + "calendar.freebusy", PREFIX + "calendar.events.owned"]).can_add


def test_the_permission_to_list_is_of_no_account() -> None:
    """What lacks is the list, not the calendar: a calendar that is known can be used."""
    assert judge_calendar("owner", WITHOUT_LISTING) == CalendarUse(can_check=True, can_add=True)


@pytest.mark.parametrize("role", [*WRITING, *READING, "none"])
def test_a_refusal_says_why_exactly_where_something_is_refused(role: str) -> None:
    """Whatever was granted, a calendar that can serve for both has no refusal, and any other has one."""
    for size in range(len(REQUESTED_SCOPES) + 1):
        for granted in combinations(REQUESTED_SCOPES, size):
            use = judge_calendar(role, granted)
            assert bool(use.refusal) is not (use.can_check and use.can_add)


def test_one_query_takes_all_check_calendars() -> None:
    """A link checks no more calendars than one freebusy query takes: 50, by the vendor's reference."""
    assert CHECK_CALENDARS_MAX == 50
