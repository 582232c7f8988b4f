"""The rows of docs/failures.md that are no faults of a link: nothing changes by them, and nobody is told."""

import pytest

from tests.e2e.failure_scene import (
    ANN,
    GOING_ON,
    STOP,
    TEAM,
    WELL,
    Scene,
    degraded,
    failed,
    told,
)
from tests.e2e.stubs import query_of, refused
from tests.e2e.stubs import told as refused_with

MANY = [f"room-{number:02}@group.calendar.google.com" for number in range(50)]


# --- 401: renewing the access token tells why ---


async def test_401_that_a_renewal_mends(scene: Scene) -> None:
    """The access token is renewed, once, and the call is made again."""
    revision = (await scene.link()).revision
    asked = scene.backend.sandbox.google_requests.last
    scene.strike("api/authError", "freebusy", times=1)
    assert await scene.check() == WELL
    assert scene.asked_of_google("token.refresh_token", after=asked) == 1
    assert scene.asked_of_google("freebusy", after=asked) == 2
    assert (await scene.link()).revision == revision
    assert await scene.heard() == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("token/invalid_grant", failed("AUTHORIZATION_REVOKED")),
        ("token/invalid_rapt", failed("SESSION_POLICY")),
        ("token/account_deleted", failed("ACCOUNT_UNAVAILABLE")),
        ("token/503_html", degraded("PROVIDER_UNAVAILABLE")),
        ("token/invalid_client", WELL),
    ],
)
async def test_401_whose_renewal_tells_why(scene: Scene, fault: str, expected: object) -> None:
    """A 401 alone fails nothing: what the token endpoint says decides."""
    scene.strike("api/authError", "freebusy")
    scene.backend.sandbox.fault(fault, user=ANN)
    assert await scene.check() == expected


# --- too much asked at once ---


async def select_many(scene: Scene) -> None:
    """Ann's link checks as many calendars as a link can."""
    for calendar_id in MANY:
        scene.backend.sandbox.google.add_calendar(ANN, calendar_id, summary=calendar_id)
    await scene.select(MANY, ANN)


@pytest.mark.parametrize("fault", ["freebusy/tooManyCalendarsRequested", "freebusy/groupTooBig"])
async def test_too_much_at_once_is_asked_in_halves(scene: Scene, fault: str) -> None:
    """50 calendars, then 25 and 12 are too many: each is asked for all the same, and nobody hears of it."""
    await select_many(scene)
    revision = (await scene.link()).revision
    asked = scene.backend.sandbox.google_requests.last
    scene.strike(fault, "freebusy", times=3)
    assert await scene.check() == WELL
    assert scene.asked_of_google("freebusy", after=asked) == 3 + 4  # 50, 25, 12; then 6, 6, 13 and the other 25
    assert (await scene.link()).revision == revision
    assert await scene.page() == GOING_ON
    assert await scene.heard() == []


@pytest.mark.parametrize("gone", [MANY[0], MANY[11], MANY[30], MANY[-1]])
async def test_halves_leave_nothing_out(scene: Scene, gone: str) -> None:
    """A calendar that is gone is found, in whichever part it is."""
    await select_many(scene)
    scene.backend.sandbox.google.unshare(ANN, gone)
    scene.strike("freebusy/tooManyCalendarsRequested", "freebusy", times=3)
    assert await scene.check() == failed("CALENDAR_NOT_VISIBLE", gone)
    assert await scene.heard() == told(STOP, "olga", "ann")


async def test_one_calendar_that_is_too_much(scene: Scene) -> None:
    """Where not even one can be asked for, it is Google's trouble: that may pass, and its busy times are not known."""
    scene.strike("freebusy/groupTooBig", "freebusy", TEAM)
    assert await scene.check() == degraded("PROVIDER_UNAVAILABLE", TEAM)


# --- at Google's consent page ---


@pytest.mark.parametrize("broken", [False, True])
async def test_access_denied_keeps_the_links_state(scene: Scene, *, broken: bool) -> None:
    """Whoever declines to connect again has the link as it was, LINKED or FAILED."""
    if broken:
        scene.backend.sandbox.google.revoke(ANN)
    expected = await scene.check()
    await scene.heard()
    before = await scene.link()
    begun = await scene.backend.begin("ann", calendar_link_id=scene.ann.id)
    url = await scene.backend.sandbox.consent(begun.authorization_url, ANN, deny=True)
    assert query_of(url)["error"] == "access_denied"
    assert (await scene.backend.open_callback(url))[0] == 403
    assert await scene.link() == before
    assert await scene.check() == expected
    assert await scene.heard() == []


async def test_access_denied_makes_no_link(scene: Scene) -> None:
    """Nobody has a link who has not approved."""
    begun = await scene.backend.begin("olga")
    url = await scene.backend.sandbox.consent(begun.authorization_url, ANN, deny=True)
    assert (await scene.backend.open_callback(url))[0] == 403
    assert await scene.backend.all_links("olga") == []
    assert await scene.heard() == []


@pytest.mark.parametrize("fault", ["consent/org_internal", "consent/admin_policy_enforced"])
async def test_refused_on_googles_own_page(scene: Scene, fault: str) -> None:
    """What Google's page refuses by itself never comes back: the attempt expires, and another one connects."""
    before = await scene.link()
    begun = await scene.backend.begin("ann", calendar_link_id=scene.ann.id)
    rule = scene.backend.sandbox.fault(fault)
    with pytest.raises(ValueError, match=fault.removeprefix("consent/")):
        await scene.backend.consent(begun, ANN)
    assert await scene.link() == before
    await scene.pass_time(minutes=31)
    scene.backend.sandbox.faults.remove(rule.id)
    refusal = await refused(scene.backend.complete(begun.state, await scene.backend.code(begun, ANN)))
    assert refused_with(refusal) == ("FAILED_PRECONDITION", "STATE_EXPIRED")
    await scene.relink()
    assert await scene.check() == WELL


async def test_no_lasting_permission_keeps_the_links_state(scene: Scene) -> None:
    """A consent without a refresh token is no consent."""
    before = await scene.link()
    scene.backend.sandbox.fault("token/no_refresh_token", endpoint="token.authorization_code")
    begun = await scene.backend.begin("ann", calendar_link_id=scene.ann.id)
    refusal = await refused(scene.backend.complete(begun.state, await scene.backend.code(begun, ANN)))
    assert refused_with(refusal) == ("FAILED_PRECONDITION", "OFFLINE_ACCESS_MISSING")
    assert await scene.link() == before


# --- at the end of a link ---


@pytest.mark.parametrize("fault", ["", "revoke/invalid_token"])
async def test_grant_that_is_void_already_is_revoked(scene: Scene, fault: str) -> None:
    """Disconnecting what is void already says that it is revoked."""
    if fault:
        scene.backend.sandbox.fault(fault, user=ANN)
    else:
        scene.backend.sandbox.google.revoke(ANN)
    assert (await scene.backend.disconnect(scene.ann.id)).revoked_at_provider
    assert await scene.heard() == []
