"""Who gets an appointment: by scheduling mode, by method, and what becomes of faulty members."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from calguard_server.domain.assignment import Candidate, Refusal, Standing, assign
from calguard_server.domain.page import AssignmentMethod, BookingPage, FaultyMembers, SchedulingMode
from tests.unit.builders import NOW, make_page

ALL, ANY, AUTO = SchedulingMode
EVEN, PRIORITY, SEQUENTIAL = AssignmentMethod
KEEP, SKIP, LAST_RESORT = FaultyMembers
FREE, BUSY, UNKNOWN, FAULTY = Standing
NAMES = ("ann", "ben", "cleo", "dora")


def people(*standings: Standing) -> list[Candidate]:
    return [Candidate(account_id=name, standing=standing) for name, standing in zip(NAMES, standings, strict=False)]


def page_of(mode: SchedulingMode, **changes: object) -> BookingPage:
    return make_page(mode, NAMES, **changes)


def turn(page: BookingPage, candidates: Sequence[Candidate], last: str = "") -> tuple[str, ...] | Refusal:
    return assign(page, candidates, "", last)


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ((FREE, FREE), ("ann", "ben")),
        ((FREE, BUSY), Refusal.TIME_NOT_FREE),
        ((FREE, UNKNOWN), Refusal.TIME_UNKNOWN),
        ((FREE, FAULTY), Refusal.TIME_UNKNOWN),
        ((UNKNOWN, BUSY), Refusal.TIME_NOT_FREE),
        ((), Refusal.NO_MEMBERS),
    ],
)
def test_all_members_take_everybody(standings: tuple[Standing, ...], expected: tuple[str, ...] | Refusal) -> None:
    assert turn(page_of(ALL), people(*standings)) == expected


@pytest.mark.parametrize(
    ("standings", "wished", "expected"),
    [
        ((FREE, FREE), "", ("ann",)),
        ((BUSY, FREE), "", ("ben",)),
        ((FAULTY, FREE), "", ("ben",)),
        ((UNKNOWN, BUSY), "", Refusal.TIME_UNKNOWN),
        ((FAULTY, BUSY), "", Refusal.TIME_UNKNOWN),
        ((BUSY, BUSY), "", Refusal.TIME_NOT_FREE),
        ((FREE, FREE), "ben", ("ben",)),
        ((FREE, BUSY), "ben", Refusal.TIME_NOT_FREE),
        ((FREE, FAULTY), "ben", Refusal.TIME_UNKNOWN),
        ((FREE, FREE), "zoe", Refusal.NOT_A_MEMBER),
        ((), "", Refusal.NO_MEMBERS),
    ],
)
def test_any_member_takes_who_was_wished_for_or_the_first_free(
    standings: tuple[Standing, ...], wished: str, expected: tuple[str, ...] | Refusal
) -> None:
    assert assign(page_of(ANY), people(*standings), wished, "") == expected


@pytest.mark.parametrize("method", list(AssignmentMethod))
@pytest.mark.parametrize(
    ("standings", "faulty_members", "expected"),
    [
        ((FAULTY, FREE), KEEP, ("ann",)),
        ((FAULTY, FREE), SKIP, ("ben",)),
        ((FAULTY, FREE), LAST_RESORT, ("ben",)),
        ((FAULTY, BUSY), KEEP, ("ann",)),
        ((FAULTY, BUSY), SKIP, Refusal.TIME_UNKNOWN),
        ((FAULTY, BUSY), LAST_RESORT, ("ann",)),
        ((UNKNOWN, BUSY), KEEP, Refusal.TIME_UNKNOWN),
        ((UNKNOWN, BUSY), LAST_RESORT, Refusal.TIME_UNKNOWN),
        ((UNKNOWN, FAULTY), LAST_RESORT, ("ben",)),
        ((BUSY, BUSY), KEEP, Refusal.TIME_NOT_FREE),
        ((), KEEP, Refusal.NO_MEMBERS),
    ],
)
def test_what_becomes_of_faulty_members(
    method: AssignmentMethod,
    standings: tuple[Standing, ...],
    faulty_members: FaultyMembers,
    expected: tuple[str, ...] | Refusal,
) -> None:
    page = page_of(AUTO, assignment_method=method, faulty_members=faulty_members)
    assert turn(page, people(*standings)) == expected


def test_even_takes_the_fewest_then_whose_last_is_the_longest_ago_then_member_order() -> None:
    page = page_of(AUTO, assignment_method=EVEN)
    ann, ben, cleo, dora = people(FREE, FREE, FREE, FREE)
    late, soon = NOW - timedelta(days=2), NOW - timedelta(days=1)
    ann = replace(ann, assigned=2, last_assigned=late)
    ben = replace(ben, assigned=1, last_assigned=soon)
    cleo = replace(cleo, assigned=1, last_assigned=late)
    dora = replace(dora, assigned=1, last_assigned=late)
    assert turn(page, [ann, ben, cleo, dora]) == ("cleo",)
    assert turn(page, [ann, ben, replace(dora, last_assigned=None), cleo]) == ("dora",)
    assert turn(page, [ann, ben]) == ("ben",)


def test_priority_goes_first_and_equals_go_as_even_does() -> None:
    page = page_of(AUTO, assignment_method=PRIORITY)
    ann, ben, cleo, dora = people(FREE, FREE, FREE, FREE)
    ben, cleo = replace(ben, priority=5, assigned=3), replace(cleo, priority=5, assigned=2)
    assert turn(page, [ann, ben, cleo, dora]) == ("cleo",)
    assert turn(page, [ann, ben, replace(cleo, standing=BUSY), dora]) == ("ben",)
    busy = [replace(each, standing=BUSY) for each in (ben, cleo)]
    assert turn(page, [ann, *busy, dora]) == ("ann",)


@pytest.mark.parametrize(
    ("last", "expected"), [("", "ann"), ("ann", "ben"), ("ben", "dora"), ("dora", "ann"), ("zoe", "ann")]
)
def test_sequential_takes_the_next_after_the_last(last: str, expected: str) -> None:
    """Cleo is busy, and passed over; after somebody who is no member any more it begins anew."""
    page = page_of(AUTO, assignment_method=SEQUENTIAL)
    assert turn(page, people(FREE, FREE, BUSY, FREE), last) == (expected,)


@given(st.integers(1, 4), st.integers(0, 40), st.sampled_from([EVEN, PRIORITY, SEQUENTIAL]))
def test_where_all_are_always_free_everybody_gets_as_many_within_one(
    size: int, rounds: int, method: AssignmentMethod
) -> None:
    page, last = page_of(AUTO, assignment_method=method), ""
    candidates = people(*[FREE] * size)
    for number in range(rounds):
        [last] = _taken(turn(page, candidates, last))
        now = NOW + timedelta(minutes=number)
        candidates = [
            replace(each, assigned=each.assigned + 1, last_assigned=now) if each.account_id == last else each
            for each in candidates
        ]
    counts = [each.assigned for each in candidates]
    assert max(counts) - min(counts) <= 1


_candidates = st.lists(
    st.builds(
        Candidate,
        account_id=st.just(""),
        standing=st.sampled_from(Standing),
        priority=st.integers(0, 2),
        assigned=st.integers(0, 3),
        last_assigned=st.none() | st.integers(0, 3).map(lambda days: NOW - timedelta(days=days)),
    ),
    max_size=4,
).map(lambda each: [replace(one, account_id=name) for one, name in zip(each, NAMES, strict=False)])


@given(
    _candidates,
    st.sampled_from(SchedulingMode),
    st.sampled_from(AssignmentMethod),
    st.sampled_from(FaultyMembers),
    st.sampled_from(["", *NAMES]),
)
def test_nobody_is_taken_who_is_not_free(
    candidates: list[Candidate], mode: SchedulingMode, method: AssignmentMethod, faulty: FaultyMembers, last: str
) -> None:
    """But faulty ones in turn; and somebody who is free is always found where any will do."""
    page = page_of(mode, assignment_method=method, faulty_members=faulty)
    chosen = turn(page, candidates, last)
    standing = {each.account_id: each.standing for each in candidates}
    counts = Counter(standing.values())
    if isinstance(chosen, Refusal):
        assert counts[FREE] == 0 or (mode is ALL and counts[FREE] < len(candidates))
        return
    allowed = {FREE, FAULTY} if mode is AUTO and faulty is not SKIP else {FREE}
    assert {standing[each] for each in chosen} <= allowed
    assert len(chosen) == (len(candidates) if mode is ALL else 1)
    if faulty is LAST_RESORT and counts[FREE]:
        assert standing[chosen[0]] is FREE


def _taken(chosen: tuple[str, ...] | Refusal) -> tuple[str, ...]:
    assert not isinstance(chosen, Refusal)
    return chosen
