"""What a change of a page owes within its incident: nothing twice, and the end of it to those whom it reached."""

from collections.abc import Iterable

import pytest

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.incident import Incident, Told, decide_telling
from calguard_server.domain.notices import Channel, IncidentStep, NoticeKind, NoticeReason
from calguard_server.domain.page import BookingPage, PagePhase, SchedulingMode
from tests.unit.builders import EARLIER, make_account, make_page

EVERY_CHANNEL = frozenset(Channel)
ACCOUNTS = {name: make_account(name) for name in ("olga", "ann", "bob")}
BOTH = ["EMAIL", "SLACK"]
WELL = make_page()
ANN_STOPS = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE)
BOB_STOPS = make_page(faulty=["bob"], phase=PagePhase.STOPPED_BY_RULE)
BOTH_STOP = make_page(faulty=["ann", "bob"], phase=PagePhase.STOPPED_BY_RULE)
BY_BOTH = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_BOTH, revision=8)

Owings = list[tuple[str, str, list[str]]]
"""Of each notice and recipient the stage, the account and the channels."""


def incident(*told: Told) -> Incident:
    return Incident(id="incident", booking_page_id="page", open_time=EARLIER, told=told)


def told(stage: str, *recipients: str, channels: Iterable[Channel] = Channel) -> list[Told]:
    return [Told(recipient, channel, stage, DeliveryState.SENT) for recipient in recipients for channel in channels]


def telling(
    before: BookingPage | None, after: BookingPage, within: Incident | None = None, **accounts: object
) -> tuple[NoticeReason, IncidentStep, Owings]:
    decided = decide_telling(before, after, within, ACCOUNTS | accounts, EVERY_CHANNEL)
    owings = [
        (owed.notice.stage, each.account_id, [channel.value for channel in each.channels])
        for owed in decided.owed
        for each in owed.recipients
    ]
    return decided.reason, decided.incident, owings


def test_a_stop_is_owed_to_the_owner_and_those_at_fault() -> None:
    assert telling(WELL, ANN_STOPS) == (
        NoticeReason.STOPPED_BY_RULE,
        IncidentStep.OPEN,
        [("stopped", "olga", BOTH), ("stopped", "ann", BOTH)],
    )


def test_whom_no_channel_reaches_is_named_without_any() -> None:
    """Without an address, or with an account that is gone, nothing can be sent; that somebody is owed still shows."""
    nowhere = make_account("ann", email="")
    assert telling(WELL, ANN_STOPS, ann=nowhere)[2] == [("stopped", "olga", BOTH), ("stopped", "ann", [])]
    assert telling(WELL, ANN_STOPS, ann=None)[2] == [("stopped", "olga", BOTH), ("stopped", "ann", [])]


def test_the_page_s_slack_address_is_the_owner_s() -> None:
    """It reaches the owner, and nobody else."""
    page = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE, slack=SlackAddress(channel_id="C1"))
    silent = {name: make_account(name, email="") for name in ("olga", "ann")}
    assert telling(WELL, page, **silent)[2] == [("stopped", "olga", ["SLACK"]), ("stopped", "ann", [])]


def test_nothing_is_told_twice_within_an_incident() -> None:
    """A member that fails, recovers and fails again while another keeps the page stopped is told of once."""
    first = incident(*told("stopped", "olga", "bob"))
    reason, step, owings = telling(BOB_STOPS, BOTH_STOP, first)
    assert (reason, step) == (NoticeReason.ANOTHER_MEMBER_FAULTY, IncidentStep.KEEP)
    assert owings == [("faulty:ann", "olga", BOTH), ("faulty:ann", "ann", BOTH)]
    again = incident(*first.told, *told("faulty:ann", "olga", "ann"))
    assert telling(BOB_STOPS, BOTH_STOP, again) == (NoticeReason.TOLD_ALREADY, IncidentStep.KEEP, [])


def test_what_was_dropped_is_owed_again() -> None:
    """A member that recovered before anybody was told, and fails again, is told of: under another stage."""
    dropped = Told("olga", Channel.EMAIL, "faulty:ann", DeliveryState.SUPPRESSED)
    doubtful = Told("olga", Channel.SLACK, "faulty:ann", DeliveryState.SUPPRESSED, doubtful=True)
    given_up = told("faulty:ann", "ann", channels=[Channel.EMAIL])
    known = incident(*told("stopped", "olga", "bob"), dropped, doubtful, *given_up)
    again = make_page(faulty=["ann", "bob"], phase=PagePhase.STOPPED_BY_RULE, revision=9)
    assert telling(BOB_STOPS, again, known)[2] == [
        ("faulty:ann:9", "olga", ["EMAIL"]),
        ("faulty:ann:9", "ann", ["SLACK"]),
    ]


def test_a_new_owner_is_told_of_a_stop() -> None:
    """And nobody else; that the stop reached them before, as the owner or for a fault of theirs, is enough."""
    first = incident(*told("stopped", "olga", "ann"))
    cleo = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE, owner_account_id="cleo", revision=9)
    ann = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE, owner_account_id="ann", revision=9)
    accounts = {"cleo": make_account("cleo")}
    assert telling(ANN_STOPS, cleo, first, **accounts) == (
        NoticeReason.NEW_OWNER,
        IncidentStep.KEEP,
        [("stopped", "cleo", BOTH)],
    )
    assert telling(ANN_STOPS, ann, first) == (NoticeReason.TOLD_ALREADY, IncidentStep.KEEP, [])


def test_an_owner_again_is_told_of_what_was_dropped() -> None:
    """The notice was dropped, because the page was another's when it was to be sent."""
    known = incident(Told("olga", Channel.EMAIL, "stopped", DeliveryState.SUPPRESSED), *told("stopped:8", "cleo"))
    cleo = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE, owner_account_id="cleo", revision=8)
    olga = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE, revision=9)
    assert telling(cleo, olga, known)[2] == [("stopped:9", "olga", BOTH)]


def test_a_page_changes_hands_while_it_is_stopped_by_hand() -> None:
    """Nobody is told; the resume tells whoever owns it by then."""
    cleo = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_BOTH, owner_account_id="cleo", revision=9)
    assert telling(BY_BOTH, cleo, incident()) == (NoticeReason.STOPPED_BY_HAND, IncidentStep.KEEP, [])


def test_a_channel_that_came_later_is_told_by_alone() -> None:
    """Who was told by e-mail, and has a Slack address since, is told by Slack."""
    known = incident(*told("faulty:ann", "olga"), *told("faulty:ann", "ann", channels=[Channel.EMAIL]))
    assert telling(BOB_STOPS, BOTH_STOP, known) == (
        NoticeReason.ANOTHER_MEMBER_FAULTY,
        IncidentStep.KEEP,
        [("faulty:ann", "ann", ["SLACK"])],
    )


def test_a_stop_that_a_resume_leaves_is_told_once_more() -> None:
    """The incident went on through the stop by hand: the stage names the revision, so that it is another one."""
    resumed = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE, revision=9)
    assert telling(BY_BOTH, resumed, incident(*told("stopped", "olga", "ann"))) == (
        NoticeReason.STOPPED_BY_RULE,
        IncidentStep.OPEN,
        [("stopped:9", "olga", BOTH), ("stopped:9", "ann", BOTH)],
    )


def test_the_end_is_owed_to_whom_the_stop_reached() -> None:
    """By the channel that told them, once, whatever address they have by now; whom nothing reached hears nothing."""
    mixed = incident(
        Told("olga", Channel.SLACK, "stopped", DeliveryState.SENT),
        Told("olga", Channel.EMAIL, "stopped", DeliveryState.DEAD),
        Told("ann", Channel.EMAIL, "stopped", DeliveryState.SENDING),
        Told("ann", Channel.SLACK, "stopped", DeliveryState.PENDING),
        Told("bob", Channel.EMAIL, "faulty:bob", DeliveryState.RETRYING),
        Told("bob", Channel.SLACK, "faulty:bob", DeliveryState.DEAD, doubtful=True),
        Told("olga", Channel.SLACK, "faulty:bob", DeliveryState.SENT),
        Told("cleo", Channel.EMAIL, "faulty:cleo", DeliveryState.SUPPRESSED),
    )
    reason, step, owings = telling(BOTH_STOP, WELL, mixed)
    assert (reason, step) == (NoticeReason.ACCEPTING_AGAIN, IncidentStep.CLOSE)
    assert owings == [("restarted", "olga", ["SLACK"]), ("restarted", "ann", ["EMAIL"]), ("restarted", "bob", BOTH)]
    [owed] = decide_telling(BOTH_STOP, WELL, mixed, ACCOUNTS, EVERY_CHANNEL).owed
    assert owed.notice.kind is NoticeKind.PAGE_RESTARTED


@pytest.mark.parametrize("within", [None, incident()])
def test_an_end_of_which_nobody_knows_is_not_told(within: Incident | None) -> None:
    """A page that was stopped by hand only, or whose stop was told to nobody, starts in silence."""
    assert telling(ANN_STOPS, WELL, within) == (NoticeReason.ACCEPTING_AGAIN, IncidentStep.CLOSE, [])


@pytest.mark.parametrize("page", [WELL, ANN_STOPS, make_page(SchedulingMode.ANY_MEMBER, [])])
def test_a_page_that_does_not_change_is_not_told_of(page: BookingPage) -> None:
    """Whatever it is, as long as it is not stopped by hand, which goes before."""
    assert telling(page, page, incident()) == (NoticeReason.UNCHANGED, IncidentStep.KEEP, [])
    assert telling(BY_BOTH, BY_BOTH, incident()) == (NoticeReason.STOPPED_BY_HAND, IncidentStep.KEEP, [])
