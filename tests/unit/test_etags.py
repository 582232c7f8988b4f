"""What changes an etag, and what a stale one does."""

from collections.abc import Callable
from itertools import combinations

import pytest
from msgspec.structs import fields, replace

from calguard_server.domain.account import Account, Channel, LinkAlerts, Locale, SlackAddress
from calguard_server.domain.errors import AbortedError
from calguard_server.domain.etags import etag_of, require_etag
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.page import AssignmentMethod, BookingPage, FaultyMembers, Member, PagePhase, SchedulingMode
from calguard_server.domain.webhook import Webhook
from tests.unit.builders import NOW, make_account, make_cause, make_fault, make_link, make_page

Resource = Account | CalendarLink | BookingPage
Made = Callable[[], Resource]

SET_BY_A_CALLER: list[tuple[Made, dict[str, list[object]]]] = [
    (
        make_account,
        {
            "display_name": ["Anna", ""],
            "email": ["anna@example.com", ""],
            "locale": [Locale.JAPANESE],
            "slack": [SlackAddress("T1"), SlackAddress(user_id="T1"), SlackAddress(channel_id="T1")],
            "channels": [(Channel.EMAIL,), (Channel.SLACK,), (Channel.EMAIL, Channel.SLACK)],
            "link_alerts": [LinkAlerts.ALWAYS],
            "webhook": [Webhook("https://a.example/", 1), Webhook("https://a.example/", 2), Webhook("", 2)],
        },
    ),
    (
        make_link,
        {
            "check_calendar_ids": [(), ("work",), ("home", "work"), ("work, home",), ("work', 'home",)],
            "add_calendar_id": ["", "home"],
            "provider_subject": ["20002"],
        },
    ),
    (
        make_page,
        {
            "owner_account_id": ["ann"],
            "title": ["Meet me", ""],
            "scheduling_mode": [SchedulingMode.ANY_MEMBER, SchedulingMode.AUTO_ASSIGN],
            "members": [
                (),
                (Member("ann"),),
                (Member("bob"), Member("ann")),
                (Member("ann"), Member("bob", priority=1)),
            ],
            "faulty_members": [FaultyMembers.SKIP, FaultyMembers.LAST_RESORT],
            "assignment_method": [AssignmentMethod.PRIORITY, AssignmentMethod.SEQUENTIAL],
            "slack": [SlackAddress(channel_id="C1"), SlackAddress(user_id="U1")],
        },
    ),
]
"""What a caller can set of each kind of resource, and other values for it."""

SET_BY_THE_SERVICE: list[tuple[Made, dict[str, object]]] = [
    (make_account, {"id": "bob", "revision": 2, "create_time": NOW, "update_time": NOW}),
    (
        make_link,
        {
            "id": "bob-google",
            "account_id": "bob",
            "provider_email": "renamed@gmail.example",
            "state": LinkState.FAILED,
            "cause": make_cause(),
            "state_time": NOW,
            "has_grant": False,
            "granted_scopes": (),
            "last_check_time": NOW,
            "next_check_time": NOW,
            "consecutive_failures": 3,
            "failing_since": NOW,
            "quota_exhausted_since": NOW,
            "evidence": 8,
            "revision": 2,
            "create_time": NOW,
            "update_time": NOW,
        },
    ),
    (
        make_page,
        {
            "id": "other-page",
            "phase": PagePhase.STOPPED_BY_BOTH,
            "faulty": (make_fault("ann"),),
            "state_time": NOW,
            "revision": 2,
            "create_time": NOW,
            "update_time": NOW,
        },
    ),
]
"""What only the service sets."""

CHANGES = [
    pytest.param(made(), name, value, id=f"{made.__name__}-{name}-{number}")
    for made, values in SET_BY_A_CALLER
    for name, others in values.items()
    for number, value in enumerate(others)
]
OWN_CHANGES = [
    pytest.param(made(), name, value, id=f"{made.__name__}-{name}")
    for made, values in SET_BY_THE_SERVICE
    for name, value in values.items()
]


def test_every_field_is_one_or_the_other() -> None:
    """A field that is added to a resource has to be decided here: a caller sets it, or the service does."""
    for (made, by_a_caller), (_, by_the_service) in zip(SET_BY_A_CALLER, SET_BY_THE_SERVICE, strict=True):
        assert sorted([*by_a_caller, *by_the_service]) == sorted(field.name for field in fields(made()))


@pytest.mark.parametrize(("resource", "name", "value"), CHANGES)
def test_what_a_caller_sets_changes_the_etag(resource: Resource, name: str, value: object) -> None:
    """Whoever read the resource before such a change has a stale etag."""
    assert etag_of(replace(resource, **{name: value})) != etag_of(resource)


@pytest.mark.parametrize(("resource", "name", "value"), OWN_CHANGES)
def test_what_the_service_sets_leaves_the_etag(resource: Resource, name: str, value: object) -> None:
    """A caller who is about to change something is not refused because a check ended, or a state changed."""
    changed = replace(resource, **{name: value})
    assert changed != resource
    assert etag_of(changed) == etag_of(resource)


@pytest.mark.parametrize(("made", "values"), SET_BY_A_CALLER)
def test_no_two_values_share_an_etag(made: Made, values: dict[str, list[object]]) -> None:
    """The other values are told apart among themselves too, also where one only looks like the other."""
    changed = [replace(made(), **{name: value}) for name, others in values.items() for value in others]
    for one, other in combinations(changed, 2):
        assert etag_of(one) != etag_of(other)


@pytest.mark.parametrize("made", [make_account, make_link, make_page])
def test_an_etag_is_opaque_and_lasts(made: Made) -> None:
    """An etag is 16 characters that any header and any shell takes, the same for a resource read again."""
    etag = etag_of(made())
    assert len(etag) == 16
    assert set(etag) <= set("0123456789abcdef")
    assert etag_of(made()) == etag


@pytest.mark.parametrize("resource", [make_account(), make_link(), make_page()])
def test_an_etag_that_is_current_or_not_given_is_taken(resource: Resource) -> None:
    """Whoever gives no etag asks for no protection."""
    require_etag(resource, "")
    require_etag(resource, etag_of(resource))


@pytest.mark.parametrize("resource", [make_account(), make_link(), make_page()])
@pytest.mark.parametrize("etag", ["0000000000000000", "*", " ", "stale"])
def test_a_stale_etag_is_refused(resource: Resource, etag: str) -> None:
    """The refusal has a name of its own, names the resource, and says what to do; it gives no etag away."""
    with pytest.raises(AbortedError) as refusal:
        require_etag(resource, etag)
    assert refusal.value.reason == "ETAG_MISMATCH"
    assert resource.id in refusal.value.message
    assert "read it again" in refusal.value.message
    assert etag_of(resource) not in refusal.value.message


def test_the_etag_before_a_change_is_stale_after_it() -> None:
    """Of two callers who read the same link, the second to select calendars is refused."""
    link = make_link()
    read = etag_of(link)
    require_etag(link, read)
    with pytest.raises(AbortedError):
        require_etag(replace(link, check_calendar_ids=("team",)), read)


def test_the_etag_of_another_kind_is_stale() -> None:
    """An etag of an account is none of a page."""
    with pytest.raises(AbortedError):
        require_etag(make_page(), etag_of(make_account()))
