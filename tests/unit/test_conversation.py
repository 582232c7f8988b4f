"""Which message in Slack another one goes under."""

import pytest

from calguard_server.domain.conversation import Place, Post, place_of


def post(message_id: str, channel: str = "C1", workspace_id: str = "w") -> Post:
    return Post(message_id, workspace_id, channel, "1.0", "{}", "Over")


ONE, TWO, ELSEWHERE, ABROAD = post("one"), post("two"), post("three", "C2"), post("four", workspace_id="other")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], Place(None, begins=True)),
        ([[]], Place(None, begins=True)),
        ([[ONE]], Place(ONE, begins=False)),
        ([[ONE, TWO]], Place(ONE, begins=False)),
        ([[ONE], [ONE]], Place(ONE, begins=False)),
        ([[ONE], [TWO]], Place(None, begins=False)),
        ([[ONE], []], Place(None, begins=True)),
        ([[ELSEWHERE]], Place(None, begins=True)),
        ([[ABROAD]], Place(None, begins=True)),
        ([[ELSEWHERE, TWO], [ABROAD, TWO]], Place(TWO, begins=False)),
    ],
)
def test_where_a_message_belongs(told: list[list[Post]], expected: Place) -> None:
    """Under what all of its incidents were first told by in that channel; else by itself, taking over no thread."""
    assert place_of(told, "w", "C1") == expected
