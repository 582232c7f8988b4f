"""What a scope sees, and how it narrows: never to nothing that lists would take for everything."""

import pytest

from calguard_server.domain.scope import EVERYTHING, NOBODY, Scope
from calguard_server.grpc_api.scopes import OPERATOR, rule_for

SOME = Scope(frozenset({"ann", "ben"}))


def test_a_scope_without_limits_leaves_nothing_out() -> None:
    assert (EVERYTHING.limited, EVERYTHING.key, EVERYTHING.within) == (False, "", frozenset())
    assert EVERYTHING.has("anybody")
    assert EVERYTHING.narrow(["ann"]) == {"ann"}
    assert EVERYTHING.narrow([]) == frozenset()


def test_a_filter_is_narrowed_to_what_is_seen() -> None:
    assert SOME.narrow([]) == SOME.within == {"ann", "ben"}
    assert SOME.narrow(["ann", "carl"]) == {"ann"}
    assert SOME.narrow(["carl"]) == NOBODY
    assert NOBODY  # an empty set would narrow nothing
    assert not SOME.has("carl")


def test_there_is_no_scope_of_nothing() -> None:
    with pytest.raises(ValueError, match="one account at least"):
        Scope(frozenset())


def test_scopes_are_told_apart_by_their_accounts() -> None:
    same = Scope(frozenset(["ben", "ann"]))
    assert same.key == SOME.key
    assert len({SOME.key, EVERYTHING.key, Scope(frozenset({"ann"})).key, Scope(frozenset({"ann", "benn"})).key}) == 4


def test_what_has_no_row_is_the_operators() -> None:
    assert rule_for("/calguard.v1.WatchService/Unheard") is OPERATOR
