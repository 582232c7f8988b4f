"""The page at which messages are ended, where that does not work."""

import json
from html import escape

import pytest
from structlog.testing import capture_logs

from calguard_server.domain.account import LinkAlerts
from calguard_server.domain.errors import NotFoundError, UnavailableError
from tests.integration.http_harness import SUPPORT, TOKENS, ScriptedAccounts, ScriptedLinking, browsing

PATH = f"/unsubscribe/{TOKENS.make('ann')}"


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (None, 200, "These messages are stopped"),
        (NotFoundError("ACCOUNT_NOT_FOUND", "no account ann"), 404, "This address is not known here"),
        (UnavailableError("STORE_UNAVAILABLE", "the disk is full"), 503, "This service is not available right now"),
        (RuntimeError("secret detail"), 500, "error-1"),
    ],
)
async def test_how_it_went_is_told(error: Exception | None, status: int, told: str) -> None:
    """With what helps, and without a word of what is inside."""
    accounts = ScriptedAccounts()
    accounts.error = error
    with capture_logs() as logs:
        async with browsing(ScriptedLinking(), accounts=accounts) as browser, browser.post(PATH) as answer:
            assert answer.status == status
            page = await answer.text()
    assert told in page
    assert escape(SUPPORT) in page
    assert error is None or str(error) not in page
    assert accounts.calls == [("ann", {"link_alerts": LinkAlerts.PAGE_RULES})]
    assert PATH not in json.dumps(logs, default=str)


async def test_asking_reaches_no_account() -> None:
    """GET shows the same page whoever it is for."""
    accounts = ScriptedAccounts()
    async with browsing(ScriptedLinking(), accounts=accounts) as browser, browser.get(PATH) as answer:
        assert answer.status == 200
        assert PATH not in await answer.text()
    assert accounts.calls == []
