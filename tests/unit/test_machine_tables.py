"""Every cell of both machines' tables, written out here a second time, so that no change of a table goes unseen."""

import copy

import pytest

from calguard_server.domain.errors import FailedPreconditionError, IllegalTransitionError
from calguard_server.domain.link import Disconnected, Selected, decide_link
from calguard_server.domain.link_state import LINK_TABLE, LinkState
from calguard_server.domain.link_verdict import LinkPolicy
from calguard_server.domain.machine import Move, TransitionTable
from calguard_server.domain.page import PAGE_TABLE, Condition, Hand, PagePhase, decide_page
from tests.unit.builders import NOW, make_health, make_link, make_page

ILLEGAL = "illegal"

LINK_CELLS = {
    "LINKED": {
        "PASS": "LINKED",
        "DEGRADE": "DEGRADED",
        "HOLD": "DEGRADED",
        "FAIL": "FAILED",
        "CONNECT": "LINKED",
        "DISCONNECT": "STOPPED",
    },
    "DEGRADED": {
        "PASS": "LINKED",
        "DEGRADE": "DEGRADED",
        "HOLD": "DEGRADED",
        "FAIL": "FAILED",
        "CONNECT": "DEGRADED",
        "DISCONNECT": "STOPPED",
    },
    "FAILED": {
        "PASS": "LINKED",
        "DEGRADE": "DEGRADED",
        "HOLD": "FAILED",
        "FAIL": "FAILED",
        "CONNECT": "FAILED",
        "DISCONNECT": "STOPPED",
    },
    "STOPPED": {
        "PASS": ILLEGAL,
        "DEGRADE": ILLEGAL,
        "HOLD": ILLEGAL,
        "FAIL": ILLEGAL,
        "CONNECT": "DEGRADED",
        "DISCONNECT": ILLEGAL,
    },
}

PAGE_CELLS = {
    "LINKED": {
        "ALL_WELL": "LINKED",
        "IMPAIRED": "DEGRADED",
        "RULE_STOPS": "STOPPED_BY_RULE",
        "STOP_BY_HAND": "STOPPED_BY_OWNER",
        "RESUME_BY_HAND": ILLEGAL,
    },
    "DEGRADED": {
        "ALL_WELL": "LINKED",
        "IMPAIRED": "DEGRADED",
        "RULE_STOPS": "STOPPED_BY_RULE",
        "STOP_BY_HAND": "STOPPED_BY_OWNER",
        "RESUME_BY_HAND": ILLEGAL,
    },
    "STOPPED_BY_RULE": {
        "ALL_WELL": "LINKED",
        "IMPAIRED": "DEGRADED",
        "RULE_STOPS": "STOPPED_BY_RULE",
        "STOP_BY_HAND": "STOPPED_BY_BOTH",
        "RESUME_BY_HAND": ILLEGAL,
    },
    "STOPPED_BY_OWNER": {
        "ALL_WELL": "STOPPED_BY_OWNER",
        "IMPAIRED": "STOPPED_BY_OWNER",
        "RULE_STOPS": "STOPPED_BY_BOTH",
        "STOP_BY_HAND": ILLEGAL,
        "RESUME_BY_HAND": "LINKED",
    },
    "STOPPED_BY_BOTH": {
        "ALL_WELL": "STOPPED_BY_OWNER",
        "IMPAIRED": "STOPPED_BY_OWNER",
        "RULE_STOPS": "STOPPED_BY_BOTH",
        "STOP_BY_HAND": ILLEGAL,
        "RESUME_BY_HAND": "STOPPED_BY_RULE",
    },
}

MACHINES = [("calendar link", LINK_TABLE, LINK_CELLS), ("booking page", PAGE_TABLE, PAGE_CELLS)]
CELLS = [
    pytest.param(noun, table, state, trigger, dest, id=f"{noun}-{state}-{trigger}")
    for noun, table, cells in MACHINES
    for state, row in cells.items()
    for trigger, dest in row.items()
]


@pytest.mark.parametrize(("noun", "table", "state", "trigger", "dest"), CELLS)
def test_every_cell(noun: str, table: TransitionTable, state: str, trigger: str, dest: str) -> None:
    """A cell leads to the state written here, or is refused with the machine, the state and the trigger named."""
    if dest != ILLEGAL:
        assert table.move(state, trigger) == Move(trigger, state, dest)
        return
    with pytest.raises(IllegalTransitionError) as refusal:
        table.move(state, trigger)
    assert refusal.value.reason == "ILLEGAL_TRANSITION"
    assert refusal.value.metadata == {"state": state, "trigger": trigger}
    assert str(refusal.value).startswith(f"a {noun} that is {state} cannot ")


@pytest.mark.parametrize(("noun", "table", "cells"), MACHINES)
def test_the_tables_here_are_complete(noun: str, table: TransitionTable, cells: dict[str, dict[str, str]]) -> None:
    """No state and no trigger exists beside those written here, and each cell is in the table at most once."""
    legal = sorted(
        (trigger, state, dest) for state, row in cells.items() for trigger, dest in row.items() if dest != ILLEGAL
    )
    assert table.noun == noun
    assert set(table.states) == set(cells)
    assert all(set(table.triggers) == set(row) for row in cells.values())
    assert sorted(tuple(map(str, row)) for row in table.rows) == legal


@pytest.mark.parametrize(("table", "cells"), [(LINK_TABLE, LINK_CELLS), (PAGE_TABLE, PAGE_CELLS)])
def test_what_is_drawn_is_what_runs(table: TransitionTable, cells: dict[str, dict[str, str]]) -> None:
    """The arguments for a diagram hold the very rows that the machine moves by, and no automatic ones."""
    arguments = table.arguments()
    assert [tuple(row) for row in arguments["transitions"]] == list(table.rows)
    assert set(arguments["states"]) == set(cells)
    assert arguments["auto_transitions"] is False


@pytest.mark.parametrize("table", [LINK_TABLE, PAGE_TABLE])
def test_a_trigger_that_no_machine_knows_is_illegal(table: TransitionTable) -> None:
    """A trigger outside the table is refused as an illegal move, not as a missing key."""
    with pytest.raises(IllegalTransitionError) as refusal:
        table.move("LINKED", "to_STOPPED")
    assert refusal.value.metadata == {"state": "LINKED", "trigger": "to_STOPPED"}


@pytest.mark.parametrize(("table", "cells"), [(LINK_TABLE, LINK_CELLS), (PAGE_TABLE, PAGE_CELLS)])
def test_a_refused_move_leaves_no_trace(table: TransitionTable, cells: dict[str, dict[str, str]]) -> None:
    """After every illegal cell was tried, every legal one still leads where it led."""
    illegal = [(state, trigger) for state, row in cells.items() for trigger, dest in row.items() if dest == ILLEGAL]
    for state, trigger in illegal:
        with pytest.raises(IllegalTransitionError):
            table.move(state, trigger)
    for state, row in cells.items():
        for trigger, dest in row.items():
            assert dest == ILLEGAL or table.move(state, trigger).dest == dest


def test_disconnecting_a_stopped_link_changes_nothing() -> None:
    """A link that is STOPPED cannot be disconnected: the refusal names state and trigger, and the link is as it was."""
    link = make_link(LinkState.STOPPED)
    before = copy.deepcopy(link)
    with pytest.raises(IllegalTransitionError) as refusal:
        decide_link(link, Disconnected(), NOW, LinkPolicy())
    assert refusal.value.metadata == {"state": "STOPPED", "trigger": "DISCONNECT"}
    assert link == before


def test_selecting_on_a_stopped_link_changes_nothing() -> None:
    """Calendars cannot be selected on a link that is STOPPED: the refusal has a name of its own."""
    link = make_link(LinkState.STOPPED)
    before = copy.deepcopy(link)
    with pytest.raises(FailedPreconditionError) as refusal:
        decide_link(link, Selected(("work",), "", (), link.evidence), NOW, LinkPolicy())
    assert refusal.value.reason == "CALENDAR_LINK_STOPPED"
    assert link == before


@pytest.mark.parametrize("condition", list(Condition))
@pytest.mark.parametrize(
    ("phase", "hand", "trigger"),
    [
        (PagePhase.STOPPED_BY_OWNER, Hand.STOPS, "STOP_BY_HAND"),
        (PagePhase.STOPPED_BY_BOTH, Hand.STOPS, "STOP_BY_HAND"),
        (PagePhase.LINKED, Hand.RESUMES, "RESUME_BY_HAND"),
        (PagePhase.DEGRADED, Hand.RESUMES, "RESUME_BY_HAND"),
        (PagePhase.STOPPED_BY_RULE, Hand.RESUMES, "RESUME_BY_HAND"),
    ],
)
def test_an_illegal_hand_changes_nothing(phase: PagePhase, hand: Hand, trigger: str, condition: Condition) -> None:
    """Stopping by hand what is stopped so, or resuming what is not, is refused whatever the members' health."""
    page = make_page(phase=phase)
    members = [make_health("ann", condition), make_health("bob", Condition.HEALTHY)]
    before = copy.deepcopy((page, members))
    with pytest.raises(IllegalTransitionError) as refusal:
        decide_page(page, members, NOW, hand)
    assert refusal.value.metadata == {"state": str(phase), "trigger": trigger}
    assert (page, members) == before
