"""Answers about events that are no faults: what an insert, a delete and a listing are told when told twice, or late."""

import json
from collections.abc import AsyncIterator

import pytest

from calguard_server.google.answers import Answer, Call, Endpoint, Outcome, Verdict
from calguard_server.google.classify import classify
from tests.integration.google_harness import ANN, World, world

EVENT = {
    "id": "abcde12345",
    "start": {"dateTime": "2026-03-03T09:00:00Z"},
    "end": {"dateTime": "2026-03-03T10:00:00Z"},
}


@pytest.fixture
async def google() -> AsyncIterator[World]:
    async with world() as running:
        yield running


async def access_token(google: World) -> str:
    """Ann's, as a probe of hers got it."""
    await google.probe(await google.grant(), ANN)
    [*_, token] = google.sandbox.google.grants.access_tokens
    return token


async def judged(
    google: World, token: str, endpoint: Endpoint, method: str, path: str, event: object = None
) -> Verdict:
    """What is made of a call about events, sent as every call is."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    url = f"{google.options.api_endpoint}calendars/primary/events{path}"
    body = None if event is None else json.dumps(event)
    came_back = await google.provider._transport.send(method, url, headers=headers, body=body)
    assert isinstance(came_back, Answer)
    return classify(Call(endpoint, (ANN,)), came_back, google.clock.now())


async def test_an_event_that_is_there_already_was_inserted(google: World) -> None:
    """409 duplicate: the id is ours, so an earlier try may have arrived after all."""
    token = await access_token(google)
    for outcome in (Outcome.DONE, Outcome.ID_TAKEN):
        verdict = await judged(google, token, Endpoint.INSERT_EVENT, "POST", "", EVENT)
        assert verdict.outcome is outcome
    assert list(google.sandbox.google.calendar(ANN).events) == [EVENT["id"]]


async def test_an_event_that_is_gone_already_was_deleted(google: World) -> None:
    """410 deleted: so it was wished."""
    token = await access_token(google)
    await judged(google, token, Endpoint.INSERT_EVENT, "POST", "", EVENT)
    for _ in range(2):
        verdict = await judged(google, token, Endpoint.DELETE_EVENT, "DELETE", f"/{EVENT['id']}")
        assert verdict.outcome is Outcome.DONE
    assert google.sandbox.google.calendar(ANN).events[EVENT["id"]].cancelled


async def test_a_sync_token_that_expired_begins_anew(google: World) -> None:
    """410 fullSyncRequired."""
    verdict = await judged(google, await access_token(google), Endpoint.LIST_EVENTS, "GET", "?syncToken=old")
    assert verdict == Verdict(Outcome.RESYNC)


@pytest.mark.parametrize("fault", ["api/fullSyncRequired", "api/updatedMinTooLongAgo"])
async def test_a_listing_from_too_long_ago_begins_anew(google: World, fault: str) -> None:
    """Either name of it."""
    token = await access_token(google)
    google.fault(fault, endpoint="events.list")
    assert await judged(google, token, Endpoint.LIST_EVENTS, "GET", "") == Verdict(Outcome.RESYNC)


@pytest.mark.parametrize(
    ("fault", "endpoint", "method", "path", "outcome"),
    [
        ("api/duplicate", Endpoint.INSERT_EVENT, "POST", "", Outcome.ID_TAKEN),
        ("api/deleted", Endpoint.DELETE_EVENT, "DELETE", "/abcde12345", Outcome.DONE),
    ],
)
async def test_the_words_of_google(
    google: World, fault: str, endpoint: Endpoint, method: str, path: str, outcome: Outcome
) -> None:
    """As the sandbox's catalogue has them."""
    token = await access_token(google)
    google.fault(fault, endpoint="events")
    assert (await judged(google, token, endpoint, method, path)).outcome is outcome
