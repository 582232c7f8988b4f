"""The rows of docs/failures.md that degrade a link and never fail it: what they concern is not busy time."""

from dataclasses import dataclass

import pytest

from tests.e2e.failure_scene import (
    ADDS,
    AGAIN,
    ANN,
    BEARING_IT,
    GOING_ON,
    STOP,
    TEAM,
    Act,
    Page,
    Scene,
    Trouble,
    at_google,
    choose_others,
    degraded,
    failed,
    next_check,
    reconnect,
    stopped,
    struck,
    told,
)
from tests.e2e.oauth_scopes import ADD, CHECK, LIST


@dataclass(frozen=True)
class Row:
    """A trouble, the cause that it is given, and what mends it once the trouble is over."""

    trouble: Trouble
    reason: str
    calendar: str = ""
    capability: str = ""
    mend: Act = next_check
    page: Page = BEARING_IT


def of_adding(fault: str, reason: str, calendar: str = "") -> Row:
    """What fails elsewhere in time concerns adding alone where it is met at the add calendar."""
    return Row(struck(fault, "calendarlist"), reason, calendar, capability="ADD")


def shared_as(role: str, *, undone: bool) -> Trouble:
    def end(scene: Scene) -> None:
        if undone:
            scene.backend.sandbox.google.share(ANN, ADDS, "writer")

    return at_google(lambda scene: scene.backend.sandbox.google.share(ANN, ADDS, role), end)


def unshared(*, undone: bool) -> Trouble:
    def end(scene: Scene) -> None:
        if undone:
            scene.backend.sandbox.google.share(ANN, ADDS, "owner")

    return at_google(lambda scene: scene.backend.sandbox.google.unshare(ANN, ADDS), end)


async def select_nothing(scene: Scene) -> None:
    await scene.select([], "")


async def leave_adding_unticked(scene: Scene) -> None:
    scene.backend.sandbox.google.revoke(ANN)
    await scene.relink(scopes=(LIST, CHECK))


def take_adding_back(scene: Scene) -> None:
    """Nothing but a new access token tells of it: nothing is added while a link is checked."""
    scene.backend.sandbox.google.drop_scopes(ANN, [ADD])
    scene.backend.sandbox.google.expire_access_tokens(ANN)


ROWS: dict[str, Row] = {
    "404": Row(struck("api/notFound", "calendarlist"), "ADD_CALENDAR_NOT_VISIBLE", ADDS),
    "unshared, and shared again": Row(unshared(undone=True), "ADD_CALENDAR_NOT_VISIBLE", ADDS),
    "unshared, and another chosen": Row(unshared(undone=False), "ADD_CALENDAR_NOT_VISIBLE", ADDS, mend=choose_others),
    "deleted": Row(
        at_google(lambda scene: scene.backend.sandbox.google.remove_calendar(ADDS)),
        "ADD_CALENDAR_NOT_VISIBLE",
        ADDS,
        mend=choose_others,
    ),
    "reader, and writer again": Row(shared_as("reader", undone=True), "CALENDAR_READ_ONLY", ADDS),
    "reader, and another chosen": Row(
        shared_as("reader", undone=False), "CALENDAR_READ_ONLY", ADDS, mend=choose_others
    ),
    "freeBusyReader": Row(shared_as("freeBusyReader", undone=True), "CALENDAR_READ_ONLY", ADDS),
    "requiredAccessLevel": Row(struck("api/requiredAccessLevel", "calendarlist"), "CALENDAR_READ_ONLY", ADDS),
    "nothing selected": Row(
        Trouble(select_nothing, next_check), "SELECTION_MISSING", mend=choose_others, page=GOING_ON
    ),
    "adding not ticked": Row(
        Trouble(leave_adding_unticked, next_check), "SCOPE_MISSING", capability="ADD", mend=reconnect
    ),
    "adding taken back": Row(at_google(take_adding_back), "SCOPE_MISSING", capability="ADD", mend=reconnect),
    "forbidden": of_adding("api/forbidden", "ACCESS_FORBIDDEN", ADDS),
    "a 403 that is not known": of_adding("api/403_unknown", "ACCESS_FORBIDDEN", ADDS),
    "429": of_adding("api/429_rateLimitExceeded", "RATE_LIMITED"),
    "503": of_adding("api/backendError", "PROVIDER_UNAVAILABLE"),
    "200 HTML": of_adding("api/200_html", "PROVIDER_UNAVAILABLE"),
    "connection dropped": of_adding("network/drop", "NETWORK_ERROR"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_degrades_however_long_it_lasts(scene: Scene, row: Row) -> None:
    """DEGRADED past both thresholds; the page goes on, and nobody is told, of the end neither."""
    expected = degraded(row.reason, row.calendar, row.capability)
    await row.trouble.begin(scene)
    for _ in range(3):
        assert await scene.check() == expected
    assert await scene.page() == row.page
    await scene.pass_time(minutes=30)
    assert await scene.check() == expected
    await row.trouble.end(scene)
    if row.mend is not next_check:
        assert await scene.check() == expected
    await scene.recover(row.mend)
    assert await scene.heard() == []


async def test_lesser_fault_that_is_left_over(scene: Scene) -> None:
    """A FAILED link that shows nothing graver than that becomes DEGRADED, and its page starts again."""
    google = scene.backend.sandbox.google
    google.unshare(ANN, TEAM)
    google.share(ANN, ADDS, "reader")
    assert await scene.check() == failed("CALENDAR_NOT_VISIBLE", TEAM)
    assert await scene.page() == stopped("CALENDAR_NOT_VISIBLE")
    assert await scene.heard() == told(STOP, "olga", "ann")
    google.share(ANN, TEAM, "reader")
    assert await scene.check() == degraded("CALENDAR_READ_ONLY", ADDS)
    assert await scene.page() == BEARING_IT
    assert await scene.heard() == told(AGAIN, "olga", "ann")


async def test_lesser_fault_ends_a_run_of_failures(scene: Scene) -> None:
    """What the thresholds count begins anew after a check that could read busy time, be the add calendar gone."""
    scene.strike("api/backendError", "freebusy", times=2)
    for _ in range(2):
        assert await scene.check() == degraded("PROVIDER_UNAVAILABLE")
    scene.backend.sandbox.google.unshare(ANN, ADDS)
    assert await scene.check() == degraded("ADD_CALENDAR_NOT_VISIBLE", ADDS)
    await scene.pass_time(minutes=10)
    scene.strike("api/backendError", "freebusy")
    assert await scene.check() == degraded("PROVIDER_UNAVAILABLE")
    assert await scene.heard() == []


async def test_graver_one_decides(scene: Scene) -> None:
    """Of several things that one check finds, the gravest is the cause: what fails, not what may pass."""
    scene.strike("freebusy/internalError", "freebusy", ANN)
    assert await scene.check() == degraded("PROVIDER_UNAVAILABLE", ANN)
    scene.backend.sandbox.google.unshare(ANN, TEAM)
    scene.backend.sandbox.faults.clear()
    raw = {"kind": "calendar#freeBusy", "calendars": {ANN: unknown("internalError"), TEAM: unknown("notFound")}}
    scene.strike({"status": 200, "body": raw}, "freebusy")
    assert await scene.check() == failed("CALENDAR_NOT_VISIBLE", TEAM)


def unknown(reason: str) -> dict[str, object]:
    """A calendar whose busy times are not known, as a free/busy answer has it: never to be read as free."""
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}
