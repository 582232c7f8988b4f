"""What is held waits until its rule is lifted, and is carried out then, whatever became of whoever asked."""

import asyncio

import pytest

from calguard_sandbox import Sandbox
from calguard_sandbox.errors import BadFieldError
from tests.contract.google_client import Answer, Browser, event
from tests.patience import PATIENCE_SECONDS

_INSERT = "events.insert"


def insert(browser: Browser, token: str) -> asyncio.Task[Answer]:
    return asyncio.create_task(browser.api("POST", "calendars/primary/events", token, json=event("abcde")))


async def held(sandbox: Sandbox, after: int) -> None:
    """Return once an insert is held."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for entry in await sandbox.google_requests.wait(after=after, seconds=PATIENCE_SECONDS):
                after = entry.number
                if entry.record.endpoint == _INSERT:
                    assert (entry.record.status, str(entry.record.fault)[:12]) == (None, "network/hold")
                    return


async def status_of(browser: Browser, token: str) -> int:
    return (await browser.api("GET", "calendars/primary/events/abcde", token)).status


@pytest.mark.parametrize(("name", "there"), [("network/hold", 404), ("network/hold_after", 200)])
@pytest.mark.parametrize("lift_all", [False, True])
async def test_it_is_answered_when_the_rule_is_lifted(
    browser: Browser, sandbox: Sandbox, name: str, there: int, *, lift_all: bool
) -> None:
    token = (await browser.grant())["access_token"]
    rule = sandbox.fault(name, surface="google", endpoint=_INSERT)
    before = sandbox.google_requests.last
    call = insert(browser, token)
    await held(sandbox, before)
    assert await status_of(browser, token) == there
    assert not call.done()
    if lift_all:
        sandbox.faults.clear()
    else:
        sandbox.faults.remove(rule.id)
    answer = await call
    assert (answer.status, answer.body["id"]) == (200, "abcde")
    assert [each.status for each in sandbox.google_requests.records if each.endpoint == _INSERT] == [200]


async def test_it_is_carried_out_also_where_whoever_asked_is_gone(browser: Browser, sandbox: Sandbox) -> None:
    token = (await browser.grant())["access_token"]
    rule = sandbox.fault("network/hold", surface="google", endpoint=_INSERT)
    before = sandbox.google_requests.last
    call = insert(browser, token)
    await held(sandbox, before)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await status_of(browser, token) == 404
    sandbox.faults.remove(rule.id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await status_of(browser, token) != 200:
            pass


async def test_mail_is_not_held(sandbox: Sandbox) -> None:
    with pytest.raises(BadFieldError) as caught:
        sandbox.fault("network/hold", surface="smtp")
    assert caught.value.field == "match.surface"
