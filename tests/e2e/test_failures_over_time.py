"""How a failure goes on in time: what is waited, when what may pass has lasted too long, and what is one incident."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.e2e.failure_scene import (
    AGAIN,
    ANN,
    BEARING_IT,
    GOING_ON,
    STOP,
    TEAM,
    WELL,
    Scene,
    Trouble,
    choose_others,
    degraded,
    failed,
    moment,
    next_check,
    reconnect,
    stopped,
    struck,
    told,
)

UNAVAILABLE = "PROVIDER_UNAVAILABLE"
LIMITED: dict[str, Trouble] = {
    "429": struck("api/429_rateLimitExceeded"),
    "rateLimitExceeded": struck("api/rateLimitExceeded"),
    "userRateLimitExceeded": struck("api/userRateLimitExceeded"),
    "token: 429": struck("token/rate_limited"),
}


# --- asked to wait ---


@pytest.mark.parametrize("trouble", LIMITED.values(), ids=LIMITED)
async def test_rate_limit_never_fails_a_link(scene: Scene, trouble: Trouble) -> None:
    """DEGRADED, be it for days and many checks; nobody is told, of the end neither."""
    await trouble.begin(scene)
    for _ in range(3):
        assert await scene.check() == degraded("RATE_LIMITED")
    for _ in range(8):
        await scene.pass_time(hours=6)
        assert await scene.check() == degraded("RATE_LIMITED")
    assert (await scene.link()).consecutive_failures == 0
    assert await scene.page() == BEARING_IT
    await trouble.end(scene)
    await scene.recover(next_check)
    assert await scene.heard() == []


async def test_rate_limit_neither_counts_nor_ends_a_run(scene: Scene) -> None:
    """Two failures and a rate limit are not three failures; the run goes on after it."""
    scene.strike("api/backendError", "freebusy", times=2)
    for _ in range(2):
        await scene.check()
    scene.strike("api/429_rateLimitExceeded", "freebusy", times=1)
    await scene.check()
    assert (await scene.link()).consecutive_failures == 2
    scene.strike("api/backendError", "freebusy")
    await scene.pass_time(minutes=10)
    assert await scene.check() == failed(UNAVAILABLE)


AS_USUAL = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("status", "asked", "waited"),
    [
        (429, "3600", timedelta(hours=1)),
        (429, "date", timedelta(hours=2)),
        (429, "7", AS_USUAL),
        (429, "soon", AS_USUAL),
        (429, "864000", timedelta(days=1)),
        (503, "20", timedelta(seconds=20)),
        (503, "1", timedelta(seconds=15)),
        (403, "3600", timedelta(seconds=15)),
    ],
)
async def test_what_google_asks_to_wait_is_waited(scene: Scene, status: int, asked: str, waited: timedelta) -> None:
    """At least so long as usual, at most a day; seconds or a date; with a refusal for good it means nothing."""
    if asked == "date":
        asked = format_datetime(scene.backend.clock.now() + waited, usegmt=True)
    scene.strike({"status": status, "body": {}, "headers": {"Retry-After": asked}}, "freebusy")
    await scene.check()
    wait = moment(await scene.link_time("next_check_time")) - scene.backend.clock.now()
    if waited == AS_USUAL:  # the link's own instant of the interval
        assert AS_USUAL / 10 <= wait <= AS_USUAL * 1.1
    else:
        assert wait == waited


async def test_nothing_is_asked_before(scene: Scene) -> None:
    """Ben's check, which falls due meanwhile, is made; Ann's calendars are asked for again by her own check alone.

    Both would have been begun together, and the last check below waits for one that was.
    """
    scene.strike({"status": 429, "headers": {"Retry-After": "3600"}}, "freebusy", times=1)
    assert await scene.check() == degraded("RATE_LIMITED")
    asked = scene.backend.sandbox.google_requests.last
    begun = scene.backend.clock.now()
    scene.backend.clock.advance(timedelta(minutes=55))
    await scene.checked_since(scene.ben, begun + timedelta(minutes=55))
    assert await scene.check() == WELL
    assert scene.asked_of_google("freebusy", after=asked) == 1


# --- both thresholds, by the checks that fall due ---


async def test_both_thresholds_by_the_checks_that_fall_due(scene: Scene) -> None:
    """A failing link is checked again after 15 s, doubling to 5 min, and fails once ten minutes have passed."""
    scene.strike("api/backendError", "freebusy")
    first = scene.backend.clock.now()
    seen = [await scene.check()]
    while scene.backend.clock.now() < first + timedelta(minutes=10):
        seen.append(await scene.checked_when_due())
    assert seen == [degraded(UNAVAILABLE)] * 6 + [failed(UNAVAILABLE)]
    assert await scene.heard() == told(STOP, "olga", "ann")


async def test_ten_minutes_alone_are_not_enough(scene: Scene) -> None:
    """Two failures, however far apart, do not fail a link; the third does."""
    scene.strike("api/backendError", "freebusy")
    assert await scene.check() == degraded(UNAVAILABLE)
    scene.backend.clock.advance(timedelta(minutes=30))
    await scene.checked_since(scene.ann, scene.backend.clock.now())
    assert (await scene.link()).consecutive_failures == 2
    assert await scene.page() == BEARING_IT
    assert await scene.checked_when_due() == failed(UNAVAILABLE)
    assert await scene.page() == stopped(UNAVAILABLE)


async def test_success_between_begins_anew(scene: Scene) -> None:
    """A check that finds all well ends the run."""
    scene.strike("api/backendError", "freebusy", times=2)
    for _ in range(2):
        await scene.check()
    assert await scene.check() == WELL
    scene.strike("api/backendError", "freebusy")
    await scene.pass_time(minutes=10)
    for _ in range(3):
        assert await scene.check() == degraded(UNAVAILABLE)
    assert await scene.heard() == []


async def test_recovers_by_itself(scene: Scene) -> None:
    """A link that failed for what passes is checked every ten minutes; nobody has to do anything for its page."""
    scene.strike("api/backendError", "freebusy")
    for minutes in (0, 0, 10):
        await scene.pass_time(minutes=minutes)
        await scene.check()
    assert await scene.heard() == told(STOP, "olga", "ann")
    scene.backend.sandbox.faults.clear()
    failed_at = scene.backend.clock.now()
    assert await scene.checked_when_due() == WELL
    assert scene.backend.clock.now() - failed_at >= timedelta(minutes=10)
    assert await scene.page() == GOING_ON
    assert await scene.heard() == told(AGAIN, "olga", "ann")


# --- one incident ---


async def test_flap_between_causes_is_one_incident(scene: Scene) -> None:
    """Google is down, then the access is removed, then Google is down again: one stop is told, and one end of it."""
    scene.strike("api/backendError", "freebusy")
    for minutes in (0, 0, 10):
        await scene.pass_time(minutes=minutes)
        await scene.check()
    assert await scene.page() == stopped(UNAVAILABLE)
    assert await scene.heard() == told(STOP, "olga", "ann")
    scene.backend.sandbox.faults.clear()
    scene.backend.sandbox.google.revoke(ANN)
    assert await scene.check() == failed("AUTHORIZATION_REVOKED")
    assert await scene.page() == stopped("AUTHORIZATION_REVOKED")
    scene.strike("api/backendError", "freebusy")
    await scene.pass_time(minutes=20)
    assert await scene.check() == failed("AUTHORIZATION_REVOKED")
    assert await scene.heard() == []
    scene.backend.sandbox.faults.clear()
    await scene.recover(reconnect)
    assert await scene.heard() == told(AGAIN, "olga", "ann")


async def test_reconnected_while_google_is_down(scene: Scene) -> None:
    """A new grant that cannot be tried leaves the link FAILED, for the reason that is left; the end comes by itself."""
    scene.backend.sandbox.google.revoke(ANN)
    assert await scene.check() == failed("AUTHORIZATION_REVOKED")
    assert await scene.heard() == told(STOP, "olga", "ann")
    scene.strike("api/backendError", "freebusy")
    await scene.relink()
    assert await scene.check() == failed(UNAVAILABLE)
    assert await scene.page() == stopped(UNAVAILABLE)
    assert await scene.heard() == []
    scene.backend.sandbox.faults.clear()
    await scene.recover(next_check)
    assert await scene.heard() == told(AGAIN, "olga", "ann")


async def test_selection_mends_the_cause_but_not_the_link(scene: Scene) -> None:
    """Other calendars are chosen while free/busy fails: the link stays FAILED, for what is left to be mended."""
    scene.backend.sandbox.google.unshare(ANN, TEAM)
    assert await scene.check() == failed("CALENDAR_NOT_VISIBLE", TEAM)
    assert await scene.heard() == told(STOP, "olga", "ann")
    scene.strike("api/backendError", "freebusy")
    assert await scene.check() == failed("CALENDAR_NOT_VISIBLE", TEAM)
    await choose_others(scene)
    assert await scene.check() == failed(UNAVAILABLE)
    assert await scene.heard() == []
    scene.backend.sandbox.faults.clear()
    await scene.recover(next_check)
    assert await scene.heard() == told(AGAIN, "olga", "ann")


async def test_fails_again_after_it_was_over(scene: Scene) -> None:
    """What comes back after the page went on is another incident, and is told anew."""
    for _ in range(2):
        scene.backend.sandbox.google.unshare(ANN, TEAM)
        await scene.check()
        assert await scene.heard() == told(STOP, "olga", "ann")
        scene.backend.sandbox.google.share(ANN, TEAM, "reader")
        await scene.recover(next_check)
        assert await scene.heard() == told(AGAIN, "olga", "ann")
