"""Why a page stands as it does, what would stop it, and who would be told: always what would happen."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from calguard_server.domain.causes import CauseReason
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.explanation import (
    Assumptions,
    ExplainedMember,
    Explanation,
    MemberReason,
    Standing,
    explain_page,
)
from calguard_server.domain.incident import Incident, Told
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, NoticeReason
from calguard_server.domain.page import (
    BookingPage,
    Condition,
    Hand,
    PagePhase,
    PageReason,
    SchedulingMode,
    decide_page,
    member_health,
)
from calguard_server.domain.webhook import Webhook
from tests.unit.builders import EARLIER, NOW, make_account, make_cause, make_link, make_page
from tests.unit.rules_model import ModelPage
from tests.unit.rules_model import Told as ToldByModel

PEOPLE = ("ann", "bob", "cleo", "dan", "eve")
MODES = list(SchedulingMode)
EVERY_CHANNEL = frozenset(Channel)
ACCOUNTS = {name: make_account(name, webhook=Webhook("https://hooks.example/", 1)) for name in (*PEOPLE, "olga")}
STATE_OF = {
    Condition.HEALTHY: LinkState.LINKED,
    Condition.DEGRADED: LinkState.DEGRADED,
    Condition.FAULTY: LinkState.FAILED,
}

Links = Mapping[str, Sequence[CalendarLink]]


def links_of(conditions: Mapping[str, Condition]) -> Links:
    """Give each of the people one link, which makes them be as said."""
    return {who: [make_link(STATE_OF[is_], id=f"{who}-google", account_id=who)] for who, is_ in conditions.items()}


def settled(page: BookingPage, links: Links, hand: Hand = Hand.NONE) -> BookingPage:
    """Build the page as it stands once the rules were applied to it."""
    healths = [member_health(member.account_id, links.get(member.account_id, ())) for member in page.members]
    return decide_page(page, healths, EARLIER, hand).page


def explained(
    page: BookingPage,
    links: Links,
    incident: Incident | None = None,
    *,
    faulty: Iterable[str] = (),
    healthy: Iterable[str] = (),
) -> Explanation:
    standing = Standing(page, links, incident, ACCOUNTS, EVERY_CHANNEL, 7)
    return explain_page(standing, Assumptions(frozenset(faulty), frozenset(healthy)), NOW)


def one_failure_away(explanation: Explanation) -> set[str]:
    return {member.account_id for member in explanation.members if member.one_failure_from_stopping}


def told_by(explanation: Explanation) -> list[ToldByModel]:
    """Answer kind, recipients and named members of each notice; all can be told by every channel."""
    for notice in explanation.notices:
        assert all(set(each.channels) == EVERY_CHANNEL for each in notice.recipients)
    return sorted(
        (
            (
                notice.kind.value,
                frozenset(each.account_id for each in notice.recipients),
                frozenset(notice.faulty_account_ids),
            )
            for notice in explanation.notices
        ),
        key=_sorting,
    )


def _sorting(told: ToldByModel) -> tuple[str, list[str]]:
    return told[0], sorted(told[2])


# --- the verdict, and what would stop it ---


@pytest.mark.parametrize("hand", [Hand.NONE, Hand.STOPS])
@pytest.mark.parametrize("size", [0, 1, 2, 5])
@pytest.mark.parametrize("mode", MODES)
def test_every_combination_of_members(mode: SchedulingMode, size: int, hand: Hand) -> None:
    """Without assumptions it is explained how the page stands, whoever is faulty, and whoever would be the last."""
    people = PEOPLE[:size]
    for conditions in product(Condition, repeat=size):
        is_ = dict(zip(people, conditions, strict=True))
        page = settled(make_page(mode, people), links_of(is_), hand)
        model = ModelPage(mode.value, list(people), "olga", by_hand=hand is Hand.STOPS)
        model.consider({who for who in people if is_[who] is Condition.FAULTY})

        explanation = explained(page, links_of(is_))

        verdict = explanation.verdict
        assert (verdict.state, verdict.stop_cause) == (page.state, page.stop_cause)
        assert (verdict.accepting, verdict.stop_cause.value) == (model.accepting(), model.stop_cause())
        assert [(member.account_id, member.condition) for member in explanation.members] == list(is_.items())
        assert one_failure_away(explanation) == model.one_failure_away()
        assert explanation.notices == ()
        assert (explanation.page, explanation.revision) == (page, 7)


def test_the_reason_is_that_of_the_rule() -> None:
    """A stop by hand shows in `stop_cause`; the reason goes on saying what the rule says of the members."""
    links = links_of({"ann": Condition.HEALTHY, "bob": Condition.DEGRADED})
    page = settled(make_page(), links, Hand.STOPS)
    assert explained(page, links).verdict.reason is PageReason.MEMBER_DEGRADED
    assert explained(page, links, faulty=["ann"]).verdict.reason is PageReason.ANY_FAULTY_STOPS


@pytest.mark.parametrize("mode", MODES)
def test_what_one_failure_would_do_is_what_one_failure_does(mode: SchedulingMode) -> None:
    """Whoever is one failure from stopping the page stops it when assumed faulty, and nobody else does."""
    for conditions in product(Condition, repeat=4):
        links = links_of(dict(zip(PEOPLE[:4], conditions, strict=True)))
        page = settled(make_page(mode, PEOPLE[:4]), links)
        for member in explained(page, links).members:
            stops = explained(page, links, faulty=[member.account_id]).verdict.state.value == "STOPPED"
            assert member.one_failure_from_stopping == (stops and page.accepting)


def test_one_failure_is_counted_from_what_is_assumed() -> None:
    """Where all but one are assumed faulty, an ANY_MEMBER page hangs on that one, be it assumed healthy."""
    page = make_page(SchedulingMode.ANY_MEMBER, PEOPLE)
    assert one_failure_away(explained(page, {})) == set()
    assert one_failure_away(explained(page, {}, faulty=PEOPLE[:4])) == {"eve"}
    assert one_failure_away(explained(page, {}, faulty=PEOPLE[:4], healthy=["eve"])) == {"eve"}
    assert one_failure_away(explained(page, {}, faulty=PEOPLE)) == set()


# --- a reason per member ---

SET_BUT = {"check_calendar_ids": (), "add_calendar_id": ""}
OK = make_link(id="b-ok")
WEAK = make_link(LinkState.DEGRADED, id="c-weak")
BROKEN = make_link(LinkState.FAILED, id="d-broken")
BROKEN_TOO = make_link(LinkState.FAILED, id="e-broken-too", cause=make_cause(CauseReason.ADMIN_BLOCKED))
ADD_ONLY = make_link(id="f-add-only", check_calendar_ids=())
ADD_ONLY_BROKEN = make_link(LinkState.FAILED, id="a-add-only-broken", check_calendar_ids=())
UNSET = make_link(LinkState.DEGRADED, id="g-unset", cause=make_cause(CauseReason.SELECTION_MISSING), **SET_BUT)
UNSET_BROKEN = make_link(LinkState.FAILED, id="h-unset-broken", **SET_BUT)
ENDED = make_link(LinkState.STOPPED, id="a-ended")


@pytest.mark.parametrize(
    ("links", "condition", "reason", "about"),
    [
        ([], "HEALTHY", "NO_LINK", None),
        ([ENDED], "HEALTHY", "DISCONNECTED", ENDED),
        ([UNSET], "HEALTHY", "NO_CHECK_CALENDAR", UNSET),
        ([UNSET_BROKEN], "HEALTHY", "NO_CHECK_CALENDAR", UNSET_BROKEN),
        ([ADD_ONLY], "HEALTHY", "NO_CHECK_CALENDAR", ADD_ONLY),
        ([ENDED, UNSET], "HEALTHY", "NO_CHECK_CALENDAR", UNSET),
        ([OK], "HEALTHY", "LINKS_FINE", None),
        ([ENDED, OK, UNSET], "HEALTHY", "LINKS_FINE", None),
        ([WEAK], "DEGRADED", "LINK_DEGRADED", WEAK),
        ([OK, WEAK], "DEGRADED", "LINK_DEGRADED", WEAK),
        ([ADD_ONLY_BROKEN], "DEGRADED", "ADDING_FAILED", ADD_ONLY_BROKEN),
        ([ADD_ONLY_BROKEN, OK, WEAK], "DEGRADED", "ADDING_FAILED", ADD_ONLY_BROKEN),
        ([BROKEN], "FAULTY", "LINK_FAILED", BROKEN),
        ([OK, BROKEN, BROKEN_TOO], "FAULTY", "LINK_FAILED", BROKEN),
        ([ADD_ONLY_BROKEN, WEAK, BROKEN_TOO], "FAULTY", "LINK_FAILED", BROKEN_TOO),
    ],
)
def test_why_a_member_is_as_it_is(
    links: list[CalendarLink], condition: str, reason: str, about: CalendarLink | None
) -> None:
    """The reason tells apart what is alike for the rule, and names the link that it is about with its cause."""
    page = settled(make_page(members=["ann"]), {"ann": links})
    [member] = explained(page, {"ann": links}).members
    expected = ("", None) if about is None else (about.id, about.cause)
    assert (member.condition.value, member.reason.value) == (condition, reason)
    assert (member.calendar_link_id, member.cause) == expected
    assert [(fault.calendar_link_id, fault.cause) for fault in page.faulty] == [expected] * (condition == "FAULTY")


@pytest.mark.parametrize("links", [[], [ENDED], [UNSET], [OK], [WEAK], [BROKEN]])
def test_what_is_assumed_of_any_member_holds(links: list[CalendarLink]) -> None:
    """Also of one that has no link at all; no link and no cause is named for it, be one there or not."""
    page = settled(make_page(members=["ann"]), {"ann": links})
    [faulty] = explained(page, {"ann": links}, faulty=["ann"]).members
    assert faulty == ExplainedMember(
        "ann", Condition.FAULTY, MemberReason.ASSUMED_FAULTY, "", None, one_failure_from_stopping=False
    )
    [healthy] = explained(page, {"ann": links}, healthy=["ann"]).members
    assert healthy == ExplainedMember(
        "ann", Condition.HEALTHY, MemberReason.ASSUMED_HEALTHY, "", None, one_failure_from_stopping=True
    )
    assert faulty.reason.assumed
    assert healthy.reason.assumed


def test_no_made_up_cause_is_answered() -> None:
    """Of what is assumed only the assumption shows, wherever in the answer one looks."""
    links = links_of(dict.fromkeys(PEOPLE, Condition.HEALTHY))
    explanation = explained(make_page(members=PEOPLE), links, faulty=PEOPLE)
    assert explanation.notices != ()
    assert not any(reason.value in repr(explanation) for reason in CauseReason)


# --- who would be told ---


def incident_of(told: Iterable[ToldByModel]) -> Incident:
    """Build the incident of a stop that all were told of by both channels."""
    reached = sorted({who for _, recipients, _ in told for who in recipients})
    deliveries = tuple(Told(who, channel, "stopped", DeliveryState.SENT) for who in reached for channel in Channel)
    return Incident(id="incident", booking_page_id="page", open_time=EARLIER, told=deliveries)


SOME_PEOPLE = st.frozensets(st.sampled_from(PEOPLE))


@given(
    mode=st.sampled_from(MODES),
    members=st.lists(st.sampled_from(PEOPLE), unique=True),
    owner=st.sampled_from((*PEOPLE, "olga")),
    is_=st.fixed_dictionaries(dict.fromkeys(PEOPLE, st.sampled_from(Condition))),
    by_hand=st.booleans(),
    assumed=SOME_PEOPLE,
    recovered=SOME_PEOPLE,
)
def test_it_is_what_the_rules_say(
    mode: SchedulingMode,
    members: list[str],
    owner: str,
    is_: dict[str, Condition],
    assumed: frozenset[str],
    recovered: frozenset[str],
    *,
    by_hand: bool,
) -> None:
    """Whatever a page is, and whatever is assumed: state, cause, who is told of what, and what would stop it."""
    faulty_people = {who for who in PEOPLE if is_[who] is Condition.FAULTY}
    model = ModelPage(mode.value, members, owner)
    model.consider(faulty_people)
    page = settled(make_page(mode, members, owner_account_id=owner), links_of(is_))
    told, was_stopped = list(model.told), model.by_rule
    if by_hand:
        model.stop(faulty_people)
        page = settled(page, links_of(is_), Hand.STOPS)
    healthy = recovered - assumed

    explanation = explained(
        page,
        links_of(is_),
        incident_of(told) if was_stopped else None,
        faulty=assumed & set(members),
        healthy=healthy & set(members),
    )

    model.consider((faulty_people | assumed) - healthy)
    restarted = was_stopped and model.accepting()
    reached = frozenset(who for _, recipients, _ in told for who in recipients)
    expected = [("PAGE_RESTARTED", reached, frozenset())] if restarted else sorted(model.told, key=_sorting)
    assert told_by(explanation) == expected
    verdict = explanation.verdict
    assert (verdict.accepting, verdict.stop_cause.value) == (model.accepting(), model.stop_cause())
    faulty = {member.account_id for member in explanation.members if member.condition is Condition.FAULTY}
    assert faulty == model.faulty
    assert one_failure_away(explanation) == model.one_failure_away()
    assert explanation.page == page


ANN_FAULTY = links_of({"ann": Condition.FAULTY, "bob": Condition.HEALTHY})
ALL_WELL = links_of({"ann": Condition.HEALTHY, "bob": Condition.HEALTHY})


@pytest.mark.parametrize(
    ("mode", "links", "faulty", "healthy", "expected"),
    [
        ("ALL_MEMBERS", ALL_WELL, ["ann"], [], NoticeReason.STOPPED_BY_RULE),
        ("ALL_MEMBERS", ANN_FAULTY, ["bob"], [], NoticeReason.ANOTHER_MEMBER_FAULTY),
        ("ALL_MEMBERS", ANN_FAULTY, [], ["ann"], NoticeReason.ACCEPTING_AGAIN),
        ("ALL_MEMBERS", ANN_FAULTY, ["ann"], [], NoticeReason.UNCHANGED),
        ("ALL_MEMBERS", ANN_FAULTY, [], [], NoticeReason.UNCHANGED),
        ("ALL_MEMBERS", ALL_WELL, [], ["ann", "bob"], NoticeReason.UNCHANGED),
        ("ANY_MEMBER", ALL_WELL, ["ann"], [], NoticeReason.NOT_STOPPED),
        ("ANY_MEMBER", ANN_FAULTY, [], ["ann"], NoticeReason.NOT_STOPPED),
        ("AUTO_ASSIGN", ANN_FAULTY, ["bob"], [], NoticeReason.STOPPED_BY_RULE),
        ("AUTO_ASSIGN", ANN_FAULTY, ["ann"], [], NoticeReason.UNCHANGED),
    ],
)
def test_why_somebody_is_told_or_nobody(
    mode: str, links: Links, faulty: list[str], healthy: list[str], expected: NoticeReason
) -> None:
    """The reason is named either way; where it says that somebody is told, somebody is."""
    page = settled(make_page(SchedulingMode(mode)), links)
    reached = [("PAGE_STOPPED", frozenset({"olga", "ann"}), frozenset({"ann"}))]
    explanation = explained(page, links, incident_of(reached), faulty=faulty, healthy=healthy)
    assert explanation.notice_reason is expected
    silent = (NoticeReason.UNCHANGED, NoticeReason.NOT_STOPPED)
    assert (explanation.notices == ()) == (expected in silent)


@pytest.mark.parametrize("phase", [PagePhase.STOPPED_BY_OWNER, PagePhase.STOPPED_BY_BOTH])
@pytest.mark.parametrize("mode", MODES)
def test_nobody_is_told_of_a_page_that_is_stopped_by_hand(mode: SchedulingMode, phase: PagePhase) -> None:
    """Whatever happens to its members, and the explanation says why."""
    stops = phase is PagePhase.STOPPED_BY_BOTH
    links = links_of(dict.fromkeys(PEOPLE, Condition.FAULTY if stops else Condition.HEALTHY))
    page = settled(make_page(mode, PEOPLE), links, Hand.STOPS)
    assert page.phase is phase
    for faulty, healthy in (((), ()), (PEOPLE, ()), ((), PEOPLE), (PEOPLE[:2], PEOPLE[2:])):
        explanation = explained(page, links, faulty=faulty, healthy=healthy)
        assert (explanation.notice_reason, explanation.notices) == (NoticeReason.STOPPED_BY_HAND, ())
        assert explanation.verdict.stop_cause.value in ("OWNER", "BOTH")


def test_one_failure_of_a_page_stopped_by_hand_is_one_that_would_outlast_the_hand() -> None:
    """It shows whose failure would keep the page stopped by rule when the owner resumes it."""
    stopped = settled(make_page(), ALL_WELL, Hand.STOPS)
    assert one_failure_away(explained(stopped, ALL_WELL)) == {"ann", "bob"}
    by_both = settled(stopped, ANN_FAULTY)
    assert one_failure_away(explained(by_both, ANN_FAULTY)) == set()
    assert one_failure_away(explained(by_both, ANN_FAULTY, healthy=["ann"])) == {"ann", "bob"}


def test_what_was_told_within_the_incident_is_not_told_again() -> None:
    """A member that failed before, while the page was stopped, fails again: that is known to all."""
    page = settled(make_page(), ANN_FAULTY)
    known = incident_of([("PAGE_STOPPED", frozenset({"olga", "ann"}), frozenset({"ann"}))])
    of_bob = tuple(replace(each, stage="faulty:bob") for each in known.told)
    of_bob += tuple(Told("bob", channel, "faulty:bob", DeliveryState.SENT) for channel in Channel)
    explanation = explained(page, ANN_FAULTY, replace(known, told=(*known.told, *of_bob)), faulty=["bob"])
    assert (explanation.notice_reason, explanation.notices) == (NoticeReason.TOLD_ALREADY, ())
