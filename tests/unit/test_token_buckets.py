"""Token buckets: a burst at once, the rate in the long run, and exactly when there will be a token again."""

import pytest

from calguard_server.grpc_api.token_buckets import TokenBuckets


class Timer:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_burst_then_the_rate() -> None:
    timer = Timer()
    buckets = TokenBuckets(rate=10, burst=3, timer=timer)
    assert [buckets.take("ann") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("ann") == pytest.approx(0.1)
    timer.seconds += 0.04
    assert buckets.take("ann") == pytest.approx(0.06)  # what is refused takes no token
    timer.seconds += 0.06
    assert buckets.take("ann") == 0
    assert buckets.take("ann") == pytest.approx(0.1)


def test_in_the_long_run_the_rate() -> None:
    """However a caller hurries, it gets its burst and its rate, and no more."""
    timer = Timer()
    buckets = TokenBuckets(rate=100, burst=20, timer=timer)
    let_in = 0
    for _ in range(10_000):
        timer.seconds += 0.001
        let_in += buckets.take("ann") == 0
    assert 20 + 10 * 100 - 1 <= let_in <= 20 + 10 * 100


def test_a_bucket_never_holds_more_than_the_burst() -> None:
    timer = Timer()
    buckets = TokenBuckets(rate=10, burst=3, timer=timer)
    timer.seconds += 1_000
    assert [buckets.take("ann") == 0 for _ in range(4)] == [True, True, True, False]


def test_each_name_has_a_bucket_of_its_own() -> None:
    buckets = TokenBuckets(rate=1, burst=1, timer=Timer())
    assert (buckets.take("ann"), buckets.take("ben")) == (0, 0)
    assert buckets.take("ann") > 0


def test_full_buckets_are_not_kept() -> None:
    """A million addresses, each once, leave behind what is not full yet, and no more than twice that."""
    timer = Timer()
    buckets = TokenBuckets(rate=10, burst=1, timer=timer)
    for number in range(1_000_000):
        timer.seconds += 0.001  # each is full again after 0.1 s: a hundred of them are not
        buckets.take(str(number))
    assert len(buckets) <= 1_001
