"""Random sequences of signals, hand acts and membership changes, against a model of the rules in sets and ifs.

The model (`PersonsLink`, `ModelPage`, in rules_model.py) knows nothing of the domain: it is told what happened in
plain words, and says what must be true then. The machine below tells both, and compares after every step.
"""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from calguard_server.domain.causes import CauseReason, NextAction
from calguard_server.domain.errors import FailedPreconditionError, IllegalTransitionError
from calguard_server.domain.link import Authorized, Disconnected, LinkDecision, LinkSignal, Selected, decide_link
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.link_verdict import LinkPolicy
from calguard_server.domain.notices import IncidentStep, NoticeDecision, decide_notices
from calguard_server.domain.page import BookingPage, Hand, Member, SchedulingMode, decide_page, member_health
from calguard_server.domain.scopes import REQUESTED_SCOPES
from tests.unit.builders import NOW, checked, findings_of, make_link, make_page
from tests.unit.rules_model import EVERYTHING, OUR_OWN, ModelPage, PersonsLink, Told

PEOPLE = ("ann", "bob", "cleo", "dan", "eve")
PAGE_IDS = ("page-1", "page-2", "page-3", "page-4")
MODES = ("ALL_MEMBERS", "ANY_MEMBER", "AUTO_ASSIGN")
SELECTIONS = {"both": (("work",), "work"), "check": (("work",), ""), "add": ((), "work"), "none": ((), "")}

people = st.sampled_from(PEOPLE)
page_ids = st.sampled_from(PAGE_IDS)
members_of_pages = st.lists(people, unique=True, max_size=4)
findings = st.sampled_from(EVERYTHING)


class DomainAgainstModel(RuleBasedStateMachine):
    """Five people with two links each, and four pages."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.links: dict[str, CalendarLink] = {}
        self.model_links: dict[str, PersonsLink] = {}
        self.pages: dict[str, BookingPage] = {}
        self.model_pages: dict[str, ModelPage] = {}
        self.incident_open: dict[str, bool] = dict.fromkeys(PAGE_IDS, False)
        for person in PEOPLE:
            self._add_link(f"{person}-first", person, LinkState.LINKED, "both")
            self._add_link(f"{person}-second", person, LinkState.STOPPED, "check")

    def _add_link(self, link_id: str, person: str, state: LinkState, selection: str) -> None:
        check_calendars, add_calendar = SELECTIONS[selection]
        self.links[link_id] = make_link(
            state,
            id=link_id,
            account_id=person,
            check_calendar_ids=check_calendars,
            add_calendar_id=add_calendar,
        )
        self.model_links[link_id] = PersonsLink(state.value.lower(), selection)

    @initialize(
        modes=st.tuples(*[st.sampled_from(MODES)] * len(PAGE_IDS)),
        members=st.tuples(*[members_of_pages] * len(PAGE_IDS)),
        owners=st.tuples(*[st.sampled_from((*PEOPLE, "olga"))] * len(PAGE_IDS)),
    )
    def make_pages(self, modes: tuple[str, ...], members: tuple[list[str], ...], owners: tuple[str, ...]) -> None:
        """Make the pages, while everybody is well."""
        for page_id, mode, who, owner in zip(PAGE_IDS, modes, members, owners, strict=True):
            self.pages[page_id] = make_page(SchedulingMode(mode), who, id=page_id, owner_account_id=owner)
            self.model_pages[page_id] = ModelPage(mode, list(who), owner)

    # signals of links

    @rule(
        person=people,
        which=st.sampled_from(("first", "first", "second")),
        what=findings,
        confirmed=st.booleans(),
        seconds_later=st.sampled_from((0, 15, 240, 300, 600)),
    )
    def check_ends(self, person: str, which: str, what: str, seconds_later: int, *, confirmed: bool) -> None:
        """A check of a link ends, now or some time later."""
        self.now += timedelta(seconds=seconds_later)
        link_id = f"{person}-{which}"
        link, model = self.links[link_id], self.model_links[link_id]
        if model.is_ != "stopped":
            model.met(what, self.now, confirmed=confirmed)
        self._signal(link_id, checked(link, *_reasons(what), confirmed=confirmed))

    @rule(
        person=people,
        what=st.sampled_from(OUR_OWN),
        minutes_later=st.sampled_from((0, 10, 30, 60)),
    )
    def our_own_fault(self, person: str, what: str, minutes_later: int) -> None:
        """All links of a person meet what is the operator's to mend: it is reported, and no page and nobody is told."""
        self.now += timedelta(minutes=minutes_later)
        accepting = {page_id: page.accepting for page_id, page in self.pages.items()}
        for link in self._links_of(person):
            if link.state is not LinkState.STOPPED:
                self.model_links[link.id].met(what, self.now)
            decision = self._signal(link.id, checked(link, CauseReason(what)))
            assert bool(decision.operator_findings) == (link.state is not LinkState.STOPPED)
            assert (decision.link.state is LinkState.FAILED) == (link.state is LinkState.FAILED)
        assert {page_id: page.accepting for page_id, page in self.pages.items()} == accepting

    @rule(person=people, what=findings)
    def stale_check_ends(self, person: str, what: str) -> None:
        """A check that began before the link's last change ends: nothing comes of it."""
        link_id = f"{person}-first"
        link = self.links[link_id]
        self._signal(link_id, replace(checked(link, *_reasons(what), confirmed=True), evidence=link.evidence - 1))
        assert self.links[link_id] == link

    @rule(
        person=people,
        which=st.sampled_from(("first", "second")),
        selection=st.sampled_from(tuple(SELECTIONS)),
        what=st.one_of(st.just("nothing"), findings),
        confirmed=st.booleans(),
    )
    def person_consents(self, person: str, which: str, selection: str, what: str, *, confirmed: bool) -> None:
        """Somebody connects a link, or connects it anew."""
        self.now += timedelta(seconds=1)
        link_id = f"{person}-{which}"
        model = self.model_links[link_id]
        model.selection = selection
        model.consented()
        model.met(what, self.now, confirmed=confirmed)
        found = findings_of(*_reasons(what))
        consent = Authorized("1", "a@b.example", REQUESTED_SCOPES, *SELECTIONS[selection], found, confirmed)
        evidence = self.links[link_id].evidence
        self._signal(link_id, consent)
        assert self.links[link_id].evidence == evidence + 1

    @rule(person=people, selection=st.sampled_from(tuple(SELECTIONS)), what=st.one_of(st.just("nothing"), findings))
    def person_selects(self, person: str, selection: str, what: str) -> None:
        """Somebody selects calendars, which is refused on a link that is disconnected."""
        link_id = f"{person}-first"
        link, model = self.links[link_id], self.model_links[link_id]
        signal = Selected(*SELECTIONS[selection], findings_of(*_reasons(what)), link.evidence)
        if model.is_ == "stopped":
            self._refused_link(link_id, signal)
            return
        model.selection = selection
        model.met(what, self.now)
        self._signal(link_id, signal)

    @rule(person=people, which=st.sampled_from(("first", "second")))
    def person_disconnects(self, person: str, which: str) -> None:
        """Somebody disconnects a link, which is refused where it is disconnected."""
        link_id = f"{person}-{which}"
        if self.model_links[link_id].is_ == "stopped":
            self._refused_link(link_id, Disconnected())
            return
        self.model_links[link_id].disconnected()
        self._signal(link_id, Disconnected())

    # what owners do

    @rule(page_id=page_ids)
    def owner_stops(self, page_id: str) -> None:
        """The owner stops a page by hand, which is refused where that is so."""
        model = self.model_pages[page_id]
        if model.by_hand:
            self._refused_hand(page_id, Hand.STOPS)
            return
        model.stop(self._faulty_people())
        self._decide_page(page_id, self.pages[page_id], Hand.STOPS)

    @rule(page_id=page_ids)
    def owner_resumes(self, page_id: str) -> None:
        """The owner resumes a page, which is refused where it was not stopped by hand."""
        model = self.model_pages[page_id]
        if not model.by_hand:
            self._refused_hand(page_id, Hand.RESUMES)
            return
        model.resume(self._faulty_people())
        self._decide_page(page_id, self.pages[page_id], Hand.RESUMES)

    @rule(page_id=page_ids, members=members_of_pages)
    def other_members(self, page_id: str, members: list[str]) -> None:
        """A page gets other members."""
        self._change_members(page_id, members)

    @rule(page_id=page_ids, person=people)
    def one_joins(self, page_id: str, person: str) -> None:
        """Somebody joins a page, faulty or not."""
        members = self.model_pages[page_id].members
        if person not in members:
            self._change_members(page_id, [*members, person])

    @rule(page_id=page_ids, mode=st.sampled_from(MODES))
    def mode_changes(self, page_id: str, mode: str) -> None:
        """A page gets another scheduling mode."""
        self.model_pages[page_id].mode = mode
        self.model_pages[page_id].consider(self._faulty_people())
        self._decide_page(page_id, replace(self.pages[page_id], scheduling_mode=SchedulingMode(mode)))

    # how a signal runs through the domain

    def _change_members(self, page_id: str, members: list[str]) -> None:
        self.model_pages[page_id].members = members
        self.model_pages[page_id].consider(self._faulty_people())
        changed = replace(self.pages[page_id], members=tuple(map(Member, members)))
        self._decide_page(page_id, changed)

    def _signal(self, link_id: str, signal: LinkSignal) -> LinkDecision:
        decision = decide_link(self.links[link_id], signal, self.now, LinkPolicy())
        self.links[link_id] = decision.link
        for page_id, page in self.pages.items():
            if any(member.account_id == decision.link.account_id for member in page.members):
                self.model_pages[page_id].consider(self._faulty_people())
                self._decide_page(page_id, page)
        return decision

    def _decide_page(self, page_id: str, page: BookingPage, hand: Hand = Hand.NONE) -> None:
        health = [member_health(member.account_id, self._links_of(member.account_id)) for member in page.members]
        before = self.pages[page_id]
        after = decide_page(page, health, self.now, hand).page
        decision = decide_notices(before, after)
        self.pages[page_id] = after
        if decision.incident is not IncidentStep.KEEP:
            self.incident_open[page_id] = decision.incident is IncidentStep.OPEN
        assert _told_by(decision) == sorted(self.model_pages[page_id].told, key=_sorting)

    def _refused_link(self, link_id: str, signal: LinkSignal) -> None:
        try:
            decide_link(self.links[link_id], signal, self.now, LinkPolicy())
        except FailedPreconditionError:
            return
        raise AssertionError(f"{signal} was not refused")

    def _refused_hand(self, page_id: str, hand: Hand) -> None:
        try:
            decide_page(self.pages[page_id], [], self.now, hand)
        except IllegalTransitionError:
            return
        raise AssertionError(f"{hand} was not refused")

    def _links_of(self, person: str) -> list[CalendarLink]:
        return [link for link in self.links.values() if link.account_id == person]

    def _faulty_people(self) -> set[str]:
        return {link_id.split("-")[0] for link_id, link in self.model_links.items() if link.at_fault()}

    # what holds after every step

    @invariant()
    def links_are_as_the_rules_say(self) -> None:
        """State, cause, and what the person is asked to do fit together."""
        for link_id, link in self.links.items():
            model = self.model_links[link_id]
            assert link.state.value.lower() == model.is_
            assert (link.cause.reason.value if link.cause else "") == model.why
            assert (link.cause is not None) == (model.is_ in ("degraded", "failed"))
            assert link.has_grant == (model.is_ != "stopped")
            assert (link.next_action is NextAction.NONE) == (model.is_ == "linked")
            assert link.authorized or link.next_action in (NextAction.CONNECT, NextAction.RECONNECT)
            assert (link.consecutive_failures, link.failing_since) == (model.failures, model.first_failure)

    @invariant()
    def pages_are_as_the_rules_say(self) -> None:
        """Stopped or accepting, for which cause, for whom, and whether an incident is open."""
        for page_id, page in self.pages.items():
            model = self.model_pages[page_id]
            assert page.accepting == model.accepting()
            assert page.stop_cause.value == model.stop_cause()
            assert {fault.account_id for fault in page.faulty} == model.faulty
            assert self.incident_open[page_id] == model.incident_open


def _reasons(what: str) -> tuple[CauseReason, ...]:
    return () if what == "nothing" else (CauseReason(what),)


def _told_by(decision: NoticeDecision) -> list[Told]:
    told = []
    for notice in decision.notices:
        recipients = notice.recipient_account_ids
        assert len(recipients) == len(set(recipients))
        named = frozenset(fault.account_id for fault in notice.faults)
        told.append((notice.kind.value, frozenset(recipients), named))
    return sorted(told, key=_sorting)


def _sorting(told: Told) -> tuple[str, list[str]]:
    return told[0], sorted(told[2])


@pytest.mark.hypothesis
def test_the_domain_does_what_the_rules_say() -> None:
    """No sequence of signals, hand acts and membership changes brings domain and model apart."""
    run_state_machine_as_test(DomainAgainstModel, settings=settings(max_examples=400, stateful_step_count=50))
