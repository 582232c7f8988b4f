"""The rows of docs/failures.md that fail a link at once, or after one check more that says the same."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import pytest
from cryptography.fernet import Fernet

from tests.e2e.failure_scene import (
    AGAIN,
    ANN,
    GOING_ON,
    STOP,
    TEAM,
    WELL,
    Act,
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
    with_one_calendar,
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


def ticked(*scopes: str) -> Trouble:
    """Ann connects again, and leaves boxes unticked."""

    async def begin(scene: Scene) -> None:
        scene.backend.sandbox.google.revoke(ANN)
        await scene.relink(scopes=scopes)

    return Trouble(begin, next_check)


def taken_back(scope: str) -> Trouble:
    return at_google(lambda scene: scene.backend.sandbox.google.drop_scopes(ANN, [scope]))


async def lose_the_grant(scene: Scene) -> None:
    """The database comes back from a copy that lacks a row."""
    await scene.backend.stop()
    with closing(sqlite3.connect(scene.backend.database)) as connection, connection:
        connection.execute("DELETE FROM grants WHERE link_id = ?", [scene.ann.id])
    await scene.backend.start()


def lost_key(*, found_again: bool) -> Trouble:
    """A new key is put in front, Ben connects again, and the old key, which Ann's grant needs, is dropped too early."""

    async def begin(scene: Scene) -> None:
        old, new = scene.backend.overrides["token_keys"], Fernet.generate_key().decode()
        await scene.backend.restart(token_keys=f"{new},{old}")
        await scene.backend.relink(scene.ben)
        await scene.backend.restart(token_keys=new, accept_lost_keys="true")
        scene.lost_key = old

    async def end(scene: Scene) -> None:
        if found_again:
            await scene.backend.restart(token_keys=f"{scene.backend.overrides['token_keys']},{scene.lost_key}")

    return Trouble(begin, end)


async def connect_another_account(scene: Scene) -> None:
    scene.backend.sandbox.google.add_user("ann.ito@example.com")
    await scene.relink(email="ann.ito@example.com", allow_account_change=True)


def deleted(*, restored: bool) -> Trouble:
    def end(scene: Scene) -> None:
        if restored:
            scene.backend.sandbox.google.restore_account(ANN)

    return at_google(lambda scene: scene.backend.sandbox.google.delete_account(ANN), end)


def switched_off() -> Trouble:
    def switch(*, on: bool) -> Callable[[Scene], object]:
        return lambda scene: scene.backend.sandbox.google.set_calendar_service(ANN, enabled=on)

    return at_google(switch(on=False), switch(on=True))


def unshared(*, shared_again: bool) -> Trouble:
    def end(scene: Scene) -> None:
        if shared_again:
            scene.backend.sandbox.google.share(ANN, TEAM, "reader")

    return at_google(lambda scene: scene.backend.sandbox.google.unshare(ANN, TEAM), end)


AT_ONCE: dict[str, Row] = {
    "invalid_rapt": Row(struck("token/invalid_rapt"), "SESSION_POLICY"),
    "rapt_required": Row(struck("token/rapt_required"), "SESSION_POLICY"),
    "Account has been deleted": Row(struck("token/account_deleted"), "ACCOUNT_UNAVAILABLE"),
    "account deleted, and restored": Row(deleted(restored=True), "ACCOUNT_UNAVAILABLE"),
    "account deleted, and another linked": Row(
        deleted(restored=False), "ACCOUNT_UNAVAILABLE", mend=connect_another_account
    ),
    "no grant is stored": Row(Trouble(lose_the_grant, next_check), "AUTHORIZATION_INCOMPLETE", mend=reconnect),
    "no key opens it": Row(lost_key(found_again=False), "AUTHORIZATION_INCOMPLETE", mend=reconnect),
    "no key opens it, until it is found": Row(lost_key(found_again=True), "AUTHORIZATION_INCOMPLETE"),
    "admin_policy_enforced": Row(struck("token/admin_policy_enforced"), "ADMIN_BLOCKED"),
    "org_internal": Row(struck("token/org_internal"), "ADMIN_BLOCKED"),
    "listing not ticked": Row(ticked(CHECK, ADD), "SCOPE_MISSING", capability="LIST", mend=reconnect),
    "checking not ticked": Row(ticked(LIST, ADD), "SCOPE_MISSING", capability="CHECK", mend=reconnect),
    "nothing ticked": Row(ticked(), "SCOPE_MISSING", capability="LIST", mend=reconnect),
    "listing taken back": Row(taken_back(LIST), "SCOPE_MISSING", capability="LIST", mend=reconnect),
    "checking taken back": Row(taken_back(CHECK), "SCOPE_MISSING", capability="CHECK", mend=reconnect),
    "insufficientPermissions": Row(struck("api/insufficientPermissions"), "SCOPE_MISSING", capability="CHECK"),
    "insufficientPermissions without details": Row(
        struck("api/insufficientPermissions_bare"), "SCOPE_MISSING", capability="CHECK"
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Row(
        struck("api/ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "SCOPE_MISSING", capability="CHECK"
    ),
    "insufficientPermissions at the list": Row(
        struck("api/insufficientPermissions", "calendarlist"), "SCOPE_MISSING", capability="LIST"
    ),
    "notACalendarUser": Row(struck("api/notACalendarUser"), "CALENDAR_SERVICE_OFF"),
    "notACalendarUser at the list": Row(struck("api/notACalendarUser", "calendarlist"), "CALENDAR_SERVICE_OFF"),
    "Google Calendar switched off": Row(switched_off(), "CALENDAR_SERVICE_OFF"),
}

CONFIRMED: dict[str, Row] = {
    "invalid_grant": Row(struck("token/invalid_grant"), "AUTHORIZATION_REVOKED"),
    "access removed at Google": Row(
        at_google(lambda scene: scene.backend.sandbox.google.revoke(ANN)), "AUTHORIZATION_REVOKED", mend=reconnect
    ),
    "404 of the only check calendar": Row(
        with_one_calendar(struck("api/notFound")), "CALENDAR_NOT_VISIBLE", calendar=TEAM
    ),
    "notFound inside a 200": Row(struck("freebusy/notFound", calendar=TEAM), "CALENDAR_NOT_VISIBLE", calendar=TEAM),
    "check calendar unshared, and shared again": Row(
        unshared(shared_again=True), "CALENDAR_NOT_VISIBLE", calendar=TEAM
    ),
    "check calendar unshared, and another chosen": Row(
        unshared(shared_again=False), "CALENDAR_NOT_VISIBLE", calendar=TEAM, mend=choose_others
    ),
    "check calendar deleted": Row(
        at_google(lambda scene: scene.backend.sandbox.google.remove_calendar(TEAM)),
        "CALENDAR_NOT_VISIBLE",
        calendar=TEAM,
        mend=choose_others,
    ),
}


@pytest.mark.parametrize("row", AT_ONCE.values(), ids=AT_ONCE)
async def test_fails_at_once(scene: Scene, row: Row) -> None:
    """One answer is enough."""
    await fails_and_recovers(scene, row, answers=1)


@pytest.mark.parametrize("row", CONFIRMED.values(), ids=CONFIRMED)
async def test_fails_when_confirmed(scene: Scene, row: Row) -> None:
    """It is asked twice within one check."""
    await fails_and_recovers(scene, row, answers=2)


async def fails_and_recovers(scene: Scene, row: Row, answers: int) -> None:
    """FAILED with the cause; the page stops; owner and Ann are told, the operator is not; all of it is undone."""
    await row.trouble.begin(scene)
    assert await scene.check() == failed(row.reason, row.calendar, row.capability)
    assert scene.rule is None or scene.rule.struck == answers
    assert await scene.page() == stopped(row.reason)
    assert await scene.heard() == told(STOP, "olga", "ann")
    assert says(scene, row.calendar or "every calendar linked", f"/calendar-links/{scene.ann.id}/reconnect")
    await row.trouble.end(scene)
    if row.mend is not next_check:
        assert await scene.check() == failed(row.reason, row.calendar, row.capability)
    await scene.recover(row.mend)
    assert await scene.heard() == told(AGAIN, "olga", "ann")


def says(scene: Scene, *texts: str) -> bool:
    """Tell whether each message so far says all of that."""
    sandbox = scene.backend.sandbox
    messages = [mail.text for mail in sandbox.mail.received.records]
    messages += [str(post.blocks) for post in sandbox.slack.messages.records]
    return all(text in message for text in texts for message in messages)


DOUBTFUL = {name: row for name, row in CONFIRMED.items() if row.trouble.fault}


@pytest.mark.parametrize("row", DOUBTFUL.values(), ids=DOUBTFUL)
async def test_said_once_only(scene: Scene, row: Row) -> None:
    """What the second try does not say again changes nothing, and nobody hears of it."""
    await row.trouble.begin(scene)
    assert scene.rule is not None
    scene.rule.times = 1
    before = await scene.link()
    assert await scene.check() == WELL
    assert (await scene.link()).revision == before.revision
    assert scene.rule.used_up
    assert await scene.page() == GOING_ON
    assert await scene.heard() == []


async def test_second_try_says_something_else(scene: Scene) -> None:
    """What the second try says stands."""
    scene.strike("freebusy/notFound", "freebusy", TEAM, times=1)
    scene.strike("api/backendError", "freebusy")
    assert await scene.check() == degraded("PROVIDER_UNAVAILABLE")
    scene.backend.sandbox.faults.clear()
    scene.strike("freebusy/notFound", "freebusy", TEAM, times=1)
    scene.strike("freebusy/notFound", "freebusy", ANN, times=1)
    assert await scene.check() == degraded("CALENDAR_NOT_VISIBLE", ANN)
    assert await scene.heard() == []
