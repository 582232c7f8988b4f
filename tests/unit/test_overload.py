"""When calls are turned away: while they wait too long, once that has lasted, and until it has been over as long."""

import pytest

from calguard_server.grpc_api.overload import Overload, OverloadOptions

RATE = 2_000.0
LONG, SHORT = 0.2, 0.01


def an_overload(target: float = 0.05) -> Overload:
    return Overload(OverloadOptions(target=target, interval=0.1, few=128))


def noted(overload: Overload, *waits: tuple[float, float], rate: float = RATE) -> list[bool]:
    """What is said of a call right after each note of a time and a wait."""
    answers = []
    for now, wait in waits:
        overload.note(wait, rate, now)
        answers.append(overload.refuses)
    return answers


def test_a_burst_is_worked_off() -> None:
    """A queue that is long for less than the interval turns nobody away, however often that happens."""
    times = [(number / 100, LONG if number % 10 else SHORT) for number in range(100)]
    assert not any(noted(an_overload(), *times))


def test_a_queue_that_stays_long() -> None:
    assert noted(an_overload(), (1.0, LONG), (1.09, LONG), (1.1, LONG), (1.2, LONG)) == [False, False, True, True]


def test_in_overload_a_call_is_let_in_whenever_the_wait_is_short() -> None:
    """So the wait keeps to the target; that overload is over takes as long as it took to begin."""
    overload = an_overload()
    noted(overload, (1.0, LONG), (1.1, LONG))
    assert noted(overload, (1.12, SHORT), (1.15, LONG), (1.18, SHORT), (1.25, LONG)) == [False, True, False, True]
    assert noted(overload, (1.3, SHORT), (1.41, SHORT), (1.42, LONG)) == [False, False, False]


def test_slow_calls_that_are_few_are_no_overload() -> None:
    """A caller with 64 calls at a time is served, on a machine that takes a second for them, too."""
    times = [(number / 10, 1.0) for number in range(50)]
    assert not any(noted(an_overload(), *times, rate=64))
    assert any(noted(an_overload(), *times, rate=200))


def test_without_a_target_nobody_is_turned_away() -> None:
    assert not any(noted(an_overload(target=0), *((float(number), 60.0) for number in range(10))))


@pytest.mark.parametrize("times", [1.5, 2, 3])
def test_what_is_served_keeps_its_latency(times: float) -> None:
    """At so many times what it can serve, by arithmetic: refusing takes a sixth of serving, the head's wait is noted.

    Calls come evenly for seconds. After the first one nobody who is served has waited for three times the target, and
    what is served is what the refusals leave room for.
    """
    served, refused = 0.001, 0.001 / 6
    overload, arrivals, now, looked = an_overload(), [number * served / times for number in range(10_000)], 0.0, 0.0
    waits = []
    for arrival in arrivals:
        now = max(now, arrival)
        if now - looked >= 0.02:
            overload.note(now - arrival, 1_000 * times, now)
            looked = now
        if overload.refuses:
            now += refused
        else:
            waits.append((now, now - arrival))
            now += served
    later = [wait for at, wait in waits if at > 1]
    room = (1 - times / 6) / (1 - 1 / 6)
    assert max(later) < 3 * 0.05
    assert len(later) == pytest.approx(room * 1_000 * (arrivals[-1] - 1), rel=0.1)
