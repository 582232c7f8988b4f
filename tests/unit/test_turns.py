"""Whose turn it is on a page."""

from datetime import timedelta

from calguard_server.domain.turns import Turn, Turns
from tests.unit.builders import NOW

LATER = NOW + timedelta(hours=1)


def test_each_assignment_counts_and_the_last_is_remembered() -> None:
    turns = Turns().given(["ann"], NOW).given(["bob"], NOW).given(["ann"], LATER)
    assert turns.of("ann") == Turn(2, LATER)
    assert turns.of("bob") == Turn(1, NOW)
    assert turns.of("eve") == Turn()
    assert turns.last_account_id == "ann"


def test_what_is_taken_away_does_not_count_but_was_assigned() -> None:
    turns = Turns().given(["ann"], NOW).taken(["ann"])
    assert turns.of("ann") == Turn(0, NOW)
    assert turns.last_account_id == "ann"
    assert turns.taken(["ann", "bob"]).of("bob") == Turn()
