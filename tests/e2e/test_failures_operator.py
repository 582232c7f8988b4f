"""The rows of docs/failures.md that only the operator can mend: one alert, and no link, page or user hears of it."""

from dataclasses import dataclass

import pytest

from tests.e2e.failure_scene import (
    ANN,
    BEARING_IT,
    GOING_ON,
    TEAM,
    WELL,
    Act,
    Scene,
    Trouble,
    alerted,
    at_google,
    choose_others,
    degraded,
    failed,
    next_check,
    reconnect,
    stopped,
    struck,
)
from tests.e2e.oauth_scopes import ADD
from tests.e2e.stubs import refused
from tests.e2e.stubs import told as refused_with


def delete_client(scene: Scene) -> None:
    scene.backend.sandbox.google.set_client(deleted=True)
    scene.backend.sandbox.google.expire_access_tokens()


def restore_client(scene: Scene) -> None:
    scene.backend.sandbox.google.set_client(deleted=False)


MISCONFIGURED: dict[str, Trouble] = {
    "invalid_client": struck("token/invalid_client"),
    "deleted_client": struck("token/deleted_client"),
    "disabled_client": struck("token/disabled_client"),
    "unauthorized_client": struck("token/unauthorized_client"),
    "invalid_scope": struck("token/invalid_scope"),
    "invalid_request": struck("token/invalid_request"),
    "accessNotConfigured": struck("api/accessNotConfigured"),
    "SERVICE_DISABLED": struck("api/SERVICE_DISABLED"),
    "accessNotConfigured at the add calendar": struck("api/accessNotConfigured", "calendarlist"),
    "the client is deleted at Google": at_google(delete_client, restore_client),
}
EXHAUSTED: dict[str, Trouble] = {
    "quotaExceeded": struck("api/quotaExceeded"),
    "dailyLimitExceeded": struck("api/dailyLimitExceeded"),
    "quotaExceeded at the add calendar": struck("api/quotaExceeded", "calendarlist"),
}


@dataclass(frozen=True)
class Before:
    """The revisions of link and page: as long as they stay, nothing has changed that anybody is told of."""

    link: int
    page: int


async def revisions(scene: Scene) -> Before:
    return Before((await scene.link()).revision, (await scene.backend.page("page")).revision)


async def expect_an_alert_and_no_more(scene: Scene, reason: str) -> None:
    """However often it is met, and by however many links."""
    before = await revisions(scene)
    for _ in range(3):
        assert await scene.check() == WELL
        await scene.backend.check(scene.ben.id)
    assert await revisions(scene) == before
    assert await scene.heard() == alerted(reason)


@pytest.mark.parametrize("trouble", MISCONFIGURED.values(), ids=MISCONFIGURED)
async def test_app_misconfigured(scene: Scene, trouble: Trouble) -> None:
    """The operator is alerted once; the link stays as it is however long it lasts."""
    await trouble.begin(scene)
    await expect_an_alert_and_no_more(scene, "APP_MISCONFIGURED")
    await scene.pass_time(hours=3)
    assert await scene.check() == WELL
    await trouble.end(scene)
    await scene.recover(next_check)
    assert await scene.heard() == []


@pytest.mark.parametrize("trouble", EXHAUSTED.values(), ids=EXHAUSTED)
async def test_quota_exhausted(scene: Scene, trouble: Trouble) -> None:
    """The same for an hour, and then the link is DEGRADED; it is never FAILED."""
    await trouble.begin(scene)
    await expect_an_alert_and_no_more(scene, "QUOTA_EXHAUSTED")
    await scene.pass_time(minutes=59)
    assert await scene.check() == WELL
    assert await scene.page() == GOING_ON
    await scene.pass_time(minutes=1)
    assert await scene.check() == degraded("QUOTA_EXHAUSTED")
    assert await scene.page() == BEARING_IT
    await scene.pass_time(hours=3)
    assert await scene.check() == degraded("QUOTA_EXHAUSTED")
    await trouble.end(scene)
    await scene.recover(next_check)
    assert await scene.heard() == []


@pytest.mark.parametrize(
    ("fault", "reason"), [("api/accessNotConfigured", "APP_MISCONFIGURED"), ("api/quotaExceeded", "QUOTA_EXHAUSTED")]
)
async def test_failed_link_stays_failed(scene: Scene, fault: str, reason: str) -> None:
    """A link that is FAILED for a reason of its own keeps it, and so does the page."""
    scene.backend.sandbox.google.unshare(ANN, TEAM)
    await scene.check()
    await scene.heard()
    scene.strike(fault, "freebusy")
    before = await revisions(scene)
    assert await scene.check() == failed("CALENDAR_NOT_VISIBLE", TEAM)
    await scene.pass_time(hours=2)
    assert await scene.check() == failed("CALENDAR_NOT_VISIBLE", TEAM)
    assert await scene.page() == stopped("CALENDAR_NOT_VISIBLE")
    assert await revisions(scene) == before
    assert await scene.heard() == alerted(reason)


@pytest.mark.parametrize("act", [reconnect, choose_others])
@pytest.mark.parametrize(
    ("fault", "reason"), [("api/accessNotConfigured", "APP_MISCONFIGURED"), ("api/quotaExceeded", "QUOTA_EXHAUSTED")]
)
async def test_met_while_a_link_is_made_or_calendars_are_selected(
    scene: Scene, act: Act, fault: str, reason: str
) -> None:
    """The operator is alerted then, not only at the next check that falls due."""
    scene.strike(fault, "freebusy")
    await act(scene)
    assert await scene.heard() == alerted(reason)


async def test_gives_way_to_a_lesser_fault(scene: Scene) -> None:
    """A lesser fault of the link's own that the same check finds shows; the operator is alerted all the same."""
    scene.backend.sandbox.google.drop_scopes(ANN, [ADD])
    scene.backend.sandbox.google.expire_access_tokens(ANN)
    scene.strike("api/quotaExceeded", "freebusy", after=1)  # the first is answered with 401, and the renewal tells
    assert await scene.check() == degraded("SCOPE_MISSING", capability="ADD")
    assert await scene.heard() == alerted("QUOTA_EXHAUSTED")


@pytest.mark.parametrize("fault", ["token/invalid_client", "token/deleted_client", "token/unauthorized_client"])
async def test_met_while_connecting(scene: Scene, fault: str) -> None:
    """Connecting again is refused, the link keeps its state, and the operator is alerted once."""
    before = await revisions(scene)
    scene.backend.sandbox.fault(fault, endpoint="token.authorization_code")
    for _ in range(2):
        begun = await scene.backend.begin("ann", calendar_link_id=scene.ann.id)
        refusal = await refused(scene.backend.complete(begun.state, await scene.backend.code(begun, ANN)))
        assert refused_with(refusal) == ("FAILED_PRECONDITION", "APP_MISCONFIGURED")
    assert await revisions(scene) == before
    assert await scene.heard() == alerted("APP_MISCONFIGURED")


async def test_operator_without_an_address(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no address is set, the log says it, and the metric of the checks that fall due; users are not told."""
    await scene.backend.restart(operator_email="", operator_slack_channel="")
    scene.strike("api/accessNotConfigured", "freebusy")
    assert await scene.checked_when_due() == WELL
    assert "only the operator can mend this" in capsys.readouterr().out
    url = f"http://127.0.0.1:{scene.backend.app.http_port}/metrics"
    async with scene.backend.browser.get(url) as answer:
        assert 'calguard_checks_total{reason="OPERATOR_SIDE"} 1.0' in await answer.text()
    assert await scene.backend.notifications() == []
    assert await scene.heard() == []
