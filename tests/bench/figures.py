"""What is shown of several rounds: medians."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.contestants import Contestant
from tests.bench.native_drain import Quantiles, Result

_CPU_TICK = 0.01
"""Processor time is told in ticks of so many seconds."""

Rounds = dict[str, list[Result]]
"""What each contestant made of a piece of work, by its name."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians: how many a second, how many for a second of the server's processor time, its cores; seconds of wait."""

    rate: float
    per_core: float
    cores: float
    p50: float
    p99: float


def in_turn(contestants: Sequence[Contestant], rounds: int, measure: Callable[[Contestant], Result]) -> Rounds:
    """Measure one after the other, so many times: what else the machine does meets them alike."""
    measured: Rounds = {each.name: [] for each in contestants}
    for _ in range(rounds):
        for each in contestants:
            measured[each.name].append(measure(each))
    return measured


def of_calls(results: Sequence[Result]) -> Figures:
    """Sum up calls."""
    return _figures(results, lambda each: (each.calls, each.answered_seconds), lambda each: each.call_latency)


def of_deliveries(results: Sequence[Result], streams: int) -> Figures:
    """Sum up changes that are delivered to so many streams."""
    return _figures(
        results,
        lambda each: (each.changes * streams, max(each.delivered_seconds, each.answered_seconds)),
        lambda each: each.watch_latency,
    )


def _figures(
    results: Sequence[Result],
    work: Callable[[Result], tuple[int, float]],
    latency: Callable[[Result], Quantiles],
) -> Figures:
    done = [(each, *work(each)) for each in results]
    return Figures(
        rate=median(count / seconds for _, count, seconds in done),
        per_core=median(count / max(each.server_cpu_seconds, _CPU_TICK) for each, count, _ in done),
        cores=median(each.server_cpu_seconds / seconds for each, _, seconds in done),
        p50=median(latency(each).p50 for each in results),
        p99=median(latency(each).p99 for each in results),
    )
