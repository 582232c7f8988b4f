"""State machines as literal tables: the only place that imports `transitions`.

One `Machine` is shared by every link, and one by every page, as a pure table over a subject that lives for one move.
(Registering each link as a model of its own costs quadratic time and 6 KB each; an exception in a callback would
leave the new state in place. Neither can happen here: nothing is registered, and the hook only records.) What a machine
made of a state and a trigger once, it makes again: its moves are remembered, which saves 30 microseconds each.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from transitions import EventData, Machine, MachineError

from calguard_server.domain.errors import IllegalTransitionError

Rows = Sequence[tuple[str, str, str]]
"""The table of a machine: (trigger, state before, state after)."""


class Move(Struct, frozen=True):
    """A move that a machine made; `source` equals `dest` where the trigger confirms the state."""

    trigger: str
    source: str
    dest: str


class _Subject:
    """What a machine moves: the state, and what its `after_state_change` hook recorded."""

    __slots__ = ("moves", "state")

    def __init__(self, state: str) -> None:
        self.state = state
        self.moves: list[Move] = []


def _record(event: EventData) -> None:
    subject, transition = event.model, event.transition
    if isinstance(subject, _Subject) and transition is not None:
        subject.moves.append(Move(event.event.name, str(transition.source), str(transition.dest)))


class TransitionTable:
    """One machine: which trigger leads from which state to which. `initial` is where its subjects begin."""

    def __init__(self, noun: str, states: Sequence[str], initial: str, rows: Rows) -> None:
        self.noun = noun
        self.initial = initial
        self.states = tuple(states)
        self.rows = tuple(rows)
        self.triggers = tuple(dict.fromkeys(trigger for trigger, _, _ in rows))
        self._moves: dict[tuple[str, str], Move] = {}
        self._machine = Machine(**self.arguments(), after_state_change=_record, send_event=True)

    def arguments(self) -> dict[str, Any]:
        """Answer what `transitions` needs to build this machine, or to draw it."""
        return {
            "model": None,
            "states": list(self.states),
            "transitions": [list(row) for row in self.rows],
            "initial": self.initial,
            "auto_transitions": False,
        }

    def move(self, state: str, trigger: str) -> Move:
        """Make one move, or raise IllegalTransitionError where the table has none; nothing has changed then."""
        known = self._moves.get((state, trigger))
        if known is None:
            known = self._moves[state, trigger] = self._make(state, trigger)
        return known

    def _make(self, state: str, trigger: str) -> Move:
        subject = _Subject(state)
        try:
            self._machine.events[trigger].trigger(subject)
        except (MachineError, KeyError):
            raise IllegalTransitionError(self.noun, state, trigger) from None
        return subject.moves[-1]
