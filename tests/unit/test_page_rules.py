"""Stop and notify, by scheduling mode: when a page stops, who is told, and what the owner's hand does.

What is expected is worked out from the sets of faulty and degraded members by the three short functions below, which
say the rules once more without the domain's words for them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product

import pytest

from calguard_server.domain.causes import CauseReason
from calguard_server.domain.events import Notability
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import (
    IncidentStep,
    Notice,
    NoticeDecision,
    NoticeKind,
    NoticeReason,
    decide_notices,
)
from calguard_server.domain.page import (
    BookingPage,
    Condition,
    Fault,
    Hand,
    MemberHealth,
    PageDecision,
    PagePhase,
    PageReason,
    SchedulingMode,
    decide_page,
    judge_members,
    member_health,
)
from tests.unit.builders import EARLIER, NOW, make_cause, make_health, make_link, make_page, minutes

PEOPLE = ("ann", "bob", "cleo", "dan", "eve")
SIZES = [0, 1, 2, 5]
MODES = list(SchedulingMode)
CONDITIONS = list(Condition)


def stops(mode: str, members: set[str], faulty: set[str]) -> bool:
    """Say whether the rule of a mode stops a page."""
    if mode == "ALL_MEMBERS":
        return len(faulty) > 0
    return len(members) > 0 and faulty == members


def expected_phase(mode: str, members: set[str], faulty: set[str], degraded: set[str], *, by_hand: bool) -> str:
    """Say where a page stands."""
    if stops(mode, members, faulty):
        return "STOPPED_BY_BOTH" if by_hand else "STOPPED_BY_RULE"
    if by_hand:
        return "STOPPED_BY_OWNER"
    return "DEGRADED" if faulty or degraded else "LINKED"


def expected_told(mode: str, members: set[str], before: set[str], after: set[str]) -> list[tuple[str, set[str]]]:
    """Say who is told of what besides the owner, when members turn from one faulty set to another."""
    if not stops(mode, members, after):
        return []
    if not stops(mode, members, before):
        return [("PAGE_STOPPED", after)]
    if mode == "ALL_MEMBERS":
        return [("MEMBER_FAULTY", {person}) for person in sorted(after - before)]
    return []


def subsets(people: Sequence[str]) -> Iterator[set[str]]:
    for size in range(len(people) + 1):
        yield from map(set, combinations(people, size))


def health_of(people: Iterable[str], faulty: Iterable[str], degraded: Iterable[str] = ()) -> list[MemberHealth]:
    """Make the named members faulty, or degraded, by the links that they have."""
    links = {
        **dict.fromkeys(faulty, make_link(LinkState.FAILED)),
        **dict.fromkeys(degraded, make_link(LinkState.DEGRADED)),
    }
    return [member_health(person, [links.get(person, make_link(LinkState.LINKED))]) for person in people]


def page_decided(
    mode: SchedulingMode, people: Sequence[str], faulty: Iterable[str], owner: str = "olga", hand: Hand = Hand.NONE
) -> BookingPage:
    """Build a page as it stands once its members' health was considered."""
    page = make_page(mode, people, owner_account_id=owner)
    return decide_page(page, health_of(people, faulty), EARLIER, hand).page


def assert_told(decision: NoticeDecision, owner: str, expected: list[tuple[str, set[str]]]) -> None:
    """Compare kind, recipients and faults of each notice; the owner comes first, and nobody comes twice."""
    told = [(notice.kind.value, {fault.account_id for fault in notice.faults}) for notice in decision.notices]
    assert sorted(told, key=str) == sorted(expected, key=str)
    for notice in decision.notices:
        at_fault = {fault.account_id for fault in notice.faults}
        assert notice.recipient_account_ids[0] == owner
        assert sorted(notice.recipient_account_ids) == sorted({owner} | at_fault)


# --- when a page stops ---


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_every_combination_of_members(mode: SchedulingMode, size: int) -> None:
    """Whatever the members are, the page stands where the rule of its mode says, and names its faulty members."""
    people = PEOPLE[:size]
    for conditions in product(CONDITIONS, repeat=size):
        faulty = {who for who, is_ in zip(people, conditions, strict=True) if is_ is Condition.FAULTY}
        degraded = {who for who, is_ in zip(people, conditions, strict=True) if is_ is Condition.DEGRADED}
        page = decide_page(make_page(mode, people), health_of(people, faulty, degraded), NOW).page
        assert page.phase.value == expected_phase(mode.value, set(people), faulty, degraded, by_hand=False)
        assert page.accepting is not stops(mode.value, set(people), faulty)
        assert [fault.account_id for fault in page.faulty] == [who for who in people if who in faulty]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_every_combination_while_stopped_by_hand(mode: SchedulingMode, size: int) -> None:
    """While the owner has stopped a page it stays stopped, and whether the rule stops it too is told apart."""
    people = PEOPLE[:size]
    for faulty in subsets(people):
        for phase in (PagePhase.STOPPED_BY_OWNER, PagePhase.STOPPED_BY_BOTH):
            page = decide_page(make_page(mode, people, phase=phase), health_of(people, faulty), NOW).page
            assert page.phase.value == expected_phase(mode.value, set(people), faulty, set(), by_hand=True)
            assert not page.accepting


@pytest.mark.parametrize(
    ("mode", "conditions", "expected"),
    [
        ("ALL_MEMBERS", "", "NO_MEMBERS"),
        ("ANY_MEMBER", "", "NO_MEMBERS"),
        ("AUTO_ASSIGN", "", "NO_MEMBERS"),
        ("ALL_MEMBERS", "HH", "ALL_HEALTHY"),
        ("ANY_MEMBER", "HH", "ALL_HEALTHY"),
        ("AUTO_ASSIGN", "HH", "ALL_HEALTHY"),
        ("ALL_MEMBERS", "HD", "MEMBER_DEGRADED"),
        ("ANY_MEMBER", "DD", "MEMBER_DEGRADED"),
        ("AUTO_ASSIGN", "HD", "MEMBER_DEGRADED"),
        ("ALL_MEMBERS", "HF", "ANY_FAULTY_STOPS"),
        ("ALL_MEMBERS", "FF", "ANY_FAULTY_STOPS"),
        ("ANY_MEMBER", "HF", "SOME_FAULTY"),
        ("ANY_MEMBER", "DF", "SOME_FAULTY"),
        ("AUTO_ASSIGN", "HF", "SOME_FAULTY"),
        ("ANY_MEMBER", "FF", "EVERY_FAULTY_STOPS"),
        ("AUTO_ASSIGN", "FF", "EVERY_FAULTY_STOPS"),
        ("ANY_MEMBER", "F", "EVERY_FAULTY_STOPS"),
    ],
)
def test_the_reason_is_named(mode: str, conditions: str, expected: str) -> None:
    """A verdict names why; H is healthy, D degraded, F faulty."""
    named = {"H": Condition.HEALTHY, "D": Condition.DEGRADED, "F": Condition.FAULTY}
    members = [make_health(who, named[letter]) for who, letter in zip(PEOPLE, conditions, strict=False)]
    assert judge_members(SchedulingMode(mode), members).reason is PageReason(expected)


@pytest.mark.parametrize(
    ("phase", "state", "stop_cause", "accepting"),
    [
        ("LINKED", "LINKED", "NONE", 1),
        ("DEGRADED", "DEGRADED", "NONE", 1),
        ("STOPPED_BY_RULE", "STOPPED", "CALENDAR_FAILURE", 0),
        ("STOPPED_BY_OWNER", "STOPPED", "OWNER", 0),
        ("STOPPED_BY_BOTH", "STOPPED", "BOTH", 0),
    ],
)
def test_what_the_reader_of_a_page_sees(phase: str, state: str, stop_cause: str, accepting: int) -> None:
    """A stop by rule, by hand and by both are told apart; only a page that is not stopped accepts bookings."""
    page = make_page(phase=PagePhase(phase))
    assert (page.state.value, page.stop_cause.value, page.accepting) == (state, stop_cause, bool(accepting))


# --- who is faulty ---

OK = make_link(LinkState.LINKED, id="ok")
SECOND_OK = make_link(LinkState.LINKED, id="second-ok")
WEAK = make_link(LinkState.DEGRADED, id="weak")
WEAK_UNSET = make_link(
    LinkState.DEGRADED,
    id="weak-unset",
    cause=make_cause(CauseReason.SELECTION_MISSING),
    check_calendar_ids=(),
    add_calendar_id="",
)
BROKEN = make_link(LinkState.FAILED, id="broken")
BROKEN_TOO = make_link(LinkState.FAILED, id="broken-too", cause=make_cause(CauseReason.ADMIN_BLOCKED))
BROKEN_ADD_ONLY = make_link(LinkState.FAILED, id="broken-add-only", check_calendar_ids=())
BROKEN_CHECK_ONLY = make_link(LinkState.FAILED, id="broken-check-only", add_calendar_id="")
BROKEN_UNSET = make_link(LinkState.FAILED, id="broken-unset", check_calendar_ids=(), add_calendar_id="")
ENDED = make_link(LinkState.STOPPED, id="ended")


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([], "HEALTHY"),
        ([OK], "HEALTHY"),
        ([ENDED], "HEALTHY"),
        ([WEAK_UNSET], "HEALTHY"),
        ([BROKEN_UNSET], "HEALTHY"),
        ([ENDED, OK], "HEALTHY"),
        ([WEAK], "DEGRADED"),
        ([OK, WEAK], "DEGRADED"),
        ([BROKEN_ADD_ONLY], "DEGRADED"),
        ([BROKEN_ADD_ONLY, OK], "DEGRADED"),
        ([BROKEN], "FAULTY"),
        ([BROKEN_CHECK_ONLY], "FAULTY"),
        ([OK, BROKEN], "FAULTY"),
        ([OK, SECOND_OK, BROKEN], "FAULTY"),
        ([WEAK, BROKEN], "FAULTY"),
        ([BROKEN, WEAK], "FAULTY"),
        ([BROKEN_ADD_ONLY, BROKEN], "FAULTY"),
        ([ENDED, BROKEN], "FAULTY"),
    ],
)
def test_who_is_faulty(links: list[CalendarLink], expected: str) -> None:
    """One FAILED link with check calendars is enough; nothing else makes a member faulty."""
    health = member_health("ann", links)
    assert health.condition.value == expected
    assert (health.fault is not None) == (expected == "FAULTY")
    assert member_health("ann", reversed(links)).condition.value == expected


@pytest.mark.parametrize("links", [[BROKEN, BROKEN_TOO], [BROKEN_TOO, BROKEN], [BROKEN_ADD_ONLY, BROKEN_TOO, BROKEN]])
def test_the_fault_that_is_named(links: list[CalendarLink]) -> None:
    """Of several failed links the one with the lowest id is named, in whatever order they come."""
    assert member_health("ann", links).fault == Fault("ann", "broken", BROKEN.cause or make_cause())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("links", [[], [ENDED], [WEAK_UNSET], [BROKEN_UNSET]])
def test_a_member_that_is_not_referred_to_stops_nothing(mode: SchedulingMode, links: list[CalendarLink]) -> None:
    """No link, no selection or a link that was disconnected on purpose is not a fault."""
    page = decide_page(make_page(mode, ["ann"]), [member_health("ann", links)], NOW).page
    assert page.phase is PagePhase.LINKED


@pytest.mark.parametrize("mode", MODES)
def test_one_failed_link_of_several_stops(mode: SchedulingMode) -> None:
    """An only member with one good and one failed link stops the page in every mode."""
    page = decide_page(make_page(mode, ["ann"]), [member_health("ann", [OK, BROKEN])], NOW).page
    assert page.phase is PagePhase.STOPPED_BY_RULE


# --- who is told ---


@pytest.mark.parametrize("owner", ["olga", "ann"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("mode", MODES)
def test_every_change_of_the_faulty_members(mode: SchedulingMode, size: int, owner: str) -> None:
    """From each set of faulty members to each other: who is told of what, and what becomes of the incident."""
    people = PEOPLE[:size]
    for faulty_before, faulty_after in product(list(subsets(people)), repeat=2):
        before = page_decided(mode, people, faulty_before, owner)
        after = decide_page(before, health_of(people, faulty_after), NOW).page
        decision = decide_notices(before, after)
        assert_told(decision, owner, expected_told(mode.value, set(people), faulty_before, faulty_after))
        assert (
            decision.incident.value
            == {
                (False, False): "KEEP",
                (False, True): "OPEN",
                (True, True): "KEEP",
                (True, False): "CLOSE",
            }[not before.accepting, not after.accepting]
        )


@pytest.mark.parametrize("owner", ["olga", "ann", "eve"])
@pytest.mark.parametrize("mode", MODES)
def test_a_page_that_is_created(mode: SchedulingMode, owner: str) -> None:
    """A page that its members stop when it is made is told of like any other stop; else nobody is told."""
    for faulty in subsets(PEOPLE):
        page = page_decided(mode, PEOPLE, faulty, owner)
        decision = decide_notices(None, page)
        assert_told(decision, owner, expected_told(mode.value, set(PEOPLE), set(), faulty))
        assert decision.incident is (IncidentStep.KEEP if page.accepting else IncidentStep.OPEN)


def test_an_owner_at_fault_gets_one_message() -> None:
    """Whoever is owner and at fault is one recipient, of a stop and of a further fault."""
    people = ["ann", "bob"]
    stopped = page_decided(SchedulingMode.ALL_MEMBERS, people, ["ann"], owner="ann")
    decision = decide_notices(None, stopped)
    assert [notice.recipient_account_ids for notice in decision.notices] == [("ann",)]
    bob_first = page_decided(SchedulingMode.ALL_MEMBERS, people, ["bob"], owner="ann")
    both = decide_page(bob_first, health_of(people, people), NOW).page
    assert [notice.recipient_account_ids for notice in decide_notices(bob_first, both).notices] == [("ann",)]


def test_each_further_member_of_an_all_members_page() -> None:
    """Members that become faulty while the page is stopped are each told of apart, with a stage of their own."""
    before = page_decided(SchedulingMode.ALL_MEMBERS, PEOPLE, ["bob"])
    after = decide_page(before, health_of(PEOPLE, ["bob", "cleo", "eve"]), NOW).page
    decision = decide_notices(before, after)
    cleo, eve = after.faulty[1:]
    assert decision == NoticeDecision(
        NoticeReason.ANOTHER_MEMBER_FAULTY,
        IncidentStep.KEEP,
        (
            Notice(NoticeKind.MEMBER_FAULTY, "faulty:cleo", ("olga", "cleo"), (cleo,)),
            Notice(NoticeKind.MEMBER_FAULTY, "faulty:eve", ("olga", "eve"), (eve,)),
        ),
    )


@pytest.mark.parametrize("mode", [SchedulingMode.ANY_MEMBER, SchedulingMode.AUTO_ASSIGN])
def test_the_last_healthy_member_is_told_of_once(mode: SchedulingMode) -> None:
    """Nobody is told of the first faulty member; the loss of the last healthy one is told to all, once."""
    people = ["ann", "bob", "cleo"]
    told: list[tuple[str, ...]] = []
    page = make_page(mode, people)
    for faulty in (["ann"], ["ann", "bob"], people, people):
        after = decide_page(page, health_of(people, faulty), NOW).page
        told += [notice.recipient_account_ids for notice in decide_notices(page, after).notices]
        page = after
    assert told == [("olga", "ann", "bob", "cleo")]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("ALL_MEMBERS", [("MEMBER_FAULTY", {"bob"})]), ("ANY_MEMBER", []), ("AUTO_ASSIGN", [])],
)
def test_a_faulty_person_joins_a_stopped_page(mode: str, expected: list[tuple[str, set[str]]]) -> None:
    """A further faulty member is told of by ALL_MEMBERS alone, also where it came by joining the page."""
    before = page_decided(SchedulingMode(mode), ["ann"], ["ann"])
    joined = make_page(SchedulingMode(mode), ["ann", "bob"], ["ann"], before.phase)
    after = decide_page(joined, health_of(["ann", "bob"], ["ann", "bob"]), NOW).page
    assert after.phase is PagePhase.STOPPED_BY_RULE
    assert_told(decide_notices(before, after), "olga", expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_changed_cause_is_not_another_fault(mode: SchedulingMode) -> None:
    """A member that stays faulty for another cause, or by another link, updates the page and tells nobody."""
    before = decide_page(make_page(mode, ["ann"]), [member_health("ann", [BROKEN])], NOW).page
    changed = decide_page(before, [member_health("ann", [BROKEN_TOO])], NOW + minutes(1))
    assert changed.notability is Notability.UPDATED
    assert (changed.page.update_time, changed.page.state_time) == (NOW + minutes(1), NOW)
    assert decide_notices(before, changed.page) == NoticeDecision(NoticeReason.TOLD_ALREADY)


@pytest.mark.parametrize("mode", MODES)
def test_restarting(mode: SchedulingMode) -> None:
    """A page that stopped by rule starts by itself when all recover, and its incident closes."""
    before = page_decided(mode, ["ann"], ["ann"])
    restarted = decide_page(before, health_of(["ann"], []), NOW)
    assert restarted.page.phase is PagePhase.LINKED
    assert (restarted.notability, restarted.page.state_time) == (Notability.STATE_CHANGED, NOW)
    assert decide_notices(before, restarted.page) == NoticeDecision(NoticeReason.ACCEPTING_AGAIN, IncidentStep.CLOSE)


def test_restarting_with_a_faulty_member_left() -> None:
    """An ANY_MEMBER page starts again as soon as one member is healthy, though the others are not."""
    before = page_decided(SchedulingMode.ANY_MEMBER, PEOPLE, PEOPLE)
    after = decide_page(before, health_of(PEOPLE, PEOPLE[1:]), NOW).page
    assert (after.phase, after.accepting) == (PagePhase.DEGRADED, True)
    assert decide_notices(before, after).incident is IncidentStep.CLOSE


def test_nothing_new_is_nothing_told() -> None:
    """The same health decided again changes nothing, and tells nobody."""
    for faulty in subsets(("ann", "bob")):
        page = page_decided(SchedulingMode.ALL_MEMBERS, ["ann", "bob"], faulty)
        again = decide_page(page, health_of(["ann", "bob"], faulty), NOW)
        assert (again.page, again.notability) == (page, Notability.NONE)
        assert decide_notices(page, again.page).notices == ()


# --- the owner's hand ---


def by_hand(page: BookingPage, faulty: Iterable[str], hand: Hand) -> PageDecision:
    return decide_page(page, health_of([member.account_id for member in page.members], faulty), NOW, hand)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("faulty", "expected"), [([], "STOPPED_BY_OWNER"), (["ann"], "STOPPED_BY_BOTH")])
def test_stopping_by_hand(mode: SchedulingMode, faulty: list[str], expected: str) -> None:
    """The owner can stop a page that works and one that is stopped by rule; nobody is told."""
    before = page_decided(mode, ["ann"], faulty)
    decision = by_hand(before, faulty, Hand.STOPS)
    assert decision.page.phase.value == expected
    assert (decision.notability, decision.page.state_time) == (Notability.STATE_CHANGED, NOW)
    assert decide_notices(before, decision.page) == NoticeDecision(NoticeReason.STOPPED_BY_HAND)


@pytest.mark.parametrize("mode", MODES)
def test_no_recovery_reopens_what_the_owner_stopped(mode: SchedulingMode) -> None:
    """Faults come and go while a page is stopped by hand: it stays stopped, and nobody is told of either."""
    page = page_decided(mode, ["ann"], [], hand=Hand.STOPS)
    for faulty, expected in ((["ann"], "STOPPED_BY_BOTH"), ([], "STOPPED_BY_OWNER"), (["ann"], "STOPPED_BY_BOTH")):
        after = by_hand(page, faulty, Hand.NONE).page
        assert after.phase.value == expected
        assert decide_notices(page, after) == NoticeDecision(NoticeReason.STOPPED_BY_HAND)
        page = after


@pytest.mark.parametrize("owner", ["olga", "ann"])
@pytest.mark.parametrize("mode", MODES)
def test_resuming_applies_the_rule_afresh(mode: SchedulingMode, owner: str) -> None:
    """A resume starts the page unless its rule stops it; then all at fault are told, though they were before."""
    for faulty_when_stopped, faulty in product(list(subsets(PEOPLE)), repeat=2):
        stopped = page_decided(mode, PEOPLE, faulty_when_stopped, owner, Hand.STOPS)
        resumed = by_hand(stopped, faulty, Hand.RESUMES).page
        assert resumed.phase.value == expected_phase(mode.value, set(PEOPLE), faulty, set(), by_hand=False)
        decision = decide_notices(stopped, resumed)
        assert_told(decision, owner, expected_told(mode.value, set(PEOPLE), set(), faulty))
        assert decision.incident is (IncidentStep.CLOSE if resumed.accepting else IncidentStep.OPEN)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        (
            [(["ann"], Hand.STOPS), ([], Hand.NONE), ([], Hand.RESUMES)],
            ["STOPPED_BY_BOTH KEEP 0", "STOPPED_BY_OWNER KEEP 0", "LINKED CLOSE 0"],
        ),
        (
            [(["ann"], Hand.STOPS), (["ann"], Hand.RESUMES), (["ann"], Hand.NONE), ([], Hand.NONE)],
            ["STOPPED_BY_BOTH KEEP 0", "STOPPED_BY_RULE OPEN 1", "STOPPED_BY_RULE KEEP 0", "LINKED CLOSE 0"],
        ),
        (
            [(["ann"], Hand.STOPS), ([], Hand.NONE), (["ann"], Hand.NONE), (["ann"], Hand.RESUMES)],
            ["STOPPED_BY_BOTH KEEP 0", "STOPPED_BY_OWNER KEEP 0", "STOPPED_BY_BOTH KEEP 0", "STOPPED_BY_RULE OPEN 1"],
        ),
    ],
)
def test_an_incident_goes_on_through_a_stop_by_hand(
    mode: SchedulingMode, acts: list[tuple[list[str], Hand]], expected: list[str]
) -> None:
    """Stopped by rule and told, then stopped by hand: no recovery closes the incident, only accepting again does.

    Resumed while the rule still stops it, the page is told of like a stop, and OPEN goes on with an open incident.
    """
    page = page_decided(mode, ["ann"], ["ann"])
    steps: list[str] = []
    for faulty, hand in acts:
        after = by_hand(page, faulty, hand).page
        decision = decide_notices(page, after)
        steps.append(f"{after.phase.value} {decision.incident.value} {len(decision.notices)}")
        page = after
    assert steps == expected


def test_every_move_is_reported() -> None:
    """A resume that the rule stops again makes two moves, and both are in the decision."""
    stopped = page_decided(SchedulingMode.ANY_MEMBER, ["ann"], ["ann"], hand=Hand.STOPS)
    moves = by_hand(stopped, ["ann"], Hand.RESUMES).moves
    assert [(move.trigger, move.source, move.dest) for move in moves] == [
        ("RESUME_BY_HAND", "STOPPED_BY_BOTH", "STOPPED_BY_RULE"),
        ("RULE_STOPS", "STOPPED_BY_RULE", "STOPPED_BY_RULE"),
    ]
