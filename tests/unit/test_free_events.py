"""Which events count as marked Free."""

import pytest

from calguard_server.domain.scopes import permit_reading_events
from calguard_server.google.answers import Call, Endpoint
from calguard_server.google.classify import classify
from calguard_server.google.free_events import is_marked_free
from tests.unit.google_answers import DONE, NOW, UNAVAILABLE, answer

FREE = {"transparency": "transparent", "status": "confirmed"}


@pytest.mark.parametrize(
    ("event", "free"),
    [
        (FREE, True),
        ({"transparency": "transparent"}, True),
        (FREE | {"eventType": "default"}, True),
        (FREE | {"status": "tentative"}, True),
        (FREE | {"status": "cancelled"}, False),
        (FREE | {"eventType": "workingLocation"}, False),
        (FREE | {"eventType": "birthday"}, False),
        ({"transparency": "opaque"}, False),
        ({"status": "confirmed"}, False),
        ({}, False),
        ("transparent", False),
        (None, False),
    ],
)
def test_only_what_somebody_has_marked_free(event: object, free: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_marked_free(event) == free


@pytest.mark.parametrize(
    ("content", "believed"),
    [
        ({"kind": "calendar#events", "items": []}, True),
        ({"kind": "calendar#events"}, True),
        ({"kind": "calendar#events", "items": {}}, False),
        ({"kind": "calendar#event"}, False),
        ({"items": []}, False),
        ([], False),
    ],
)
def test_a_list_of_events_is_believed_where_it_is_one(content: object, believed: bool) -> None:  # noqa: FBT001
    verdict = classify(Call(Endpoint.LIST_EVENTS), answer(200, content), NOW)
    assert verdict == (DONE if believed else UNAVAILABLE)


@pytest.mark.parametrize(
    ("scope", "permitted"),
    [
        ("calendar", True),
        ("calendar.readonly", True),
        ("calendar.events", True),
        ("calendar.events.readonly", True),
        ("calendar.events.owned", True),
        ("calendar.events.freebusy", False),
        ("calendar.freebusy", False),
        ("calendar.calendarlist.readonly", False),
    ],
)
def test_which_scope_shows_how_events_are_marked(scope: str, permitted: bool) -> None:  # noqa: FBT001
    assert permit_reading_events([f"https://www.googleapis.com/auth/{scope}"]) == permitted
