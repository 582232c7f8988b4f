"""The parts of the way to Slack that need no Slack: the pace, who is remembered, what is marked as over."""

from datetime import timedelta

import pytest

from calguard_server.domain.delivery import DeliveryState, Outcome, RetryPolicy, next_step
from calguard_server.domain.slack_workspace import (
    SlackTeam,
    SlackWorkspace,
    SlackWorkspaceState,
    broken,
    mended,
    with_new_token,
)
from calguard_server.notifiers.slack_content import kept, marked_over
from calguard_server.notifiers.slack_pace import Pace
from calguard_server.notifiers.slack_people import People
from tests.fakes.world import START
from tests.unit.builders import make_delivery

NOW = timedelta()
SECOND = timedelta(seconds=1)


def test_a_channel_has_a_message_a_second_and_each_has_its_second() -> None:
    """A hundred come at once, and each again when it was told to: none is put off a second time."""
    pace = Pace()
    waits = [pace.wait("C1", f"m{number}", START) for number in range(100)]
    assert waits == [number * SECOND for number in range(100)]
    late = timedelta(milliseconds=3)
    assert [pace.wait("C1", f"m{number}", START + number * SECOND + late) for number in range(1, 100)] == [NOW] * 99
    assert pace.wait("C1", "next", START + 99 * SECOND + late) == SECOND


def test_two_are_never_closer_than_a_second() -> None:
    """Who comes half a second late has the next one wait for half a second, and keeps nobody's place but its own."""
    pace, half = Pace(), SECOND / 2
    for message in ("a", "b", "c", "d"):
        pace.wait("C1", message, START)
    assert pace.wait("C1", "b", START + SECOND + half) == NOW
    assert pace.wait("C1", "new", START + SECOND + half) == 2 * SECOND + half
    assert pace.wait("C1", "c", START + 2 * SECOND) == half
    assert pace.wait("C1", "c", START + 2 * SECOND + half) == NOW
    assert pace.wait("C1", "d", START + 3 * SECOND) == half


def test_the_second_begins_with_the_answer() -> None:
    """A message may be long on its way, and the next one quick: at Slack they are a second apart all the same."""
    pace, slow = Pace(), timedelta(milliseconds=300)
    assert [pace.wait("C1", message, START) for message in ("a", "b", "c")] == [NOW, SECOND, 2 * SECOND]
    pace.answered("C1", START + slow)
    assert pace.wait("C1", "b", START + SECOND) == slow
    assert pace.wait("C1", "b", START + SECOND + slow) == NOW
    assert pace.wait("C2", "a", START) == NOW


def test_channels_do_not_wait_for_one_another() -> None:
    pace = Pace()
    assert [pace.wait(channel, "m", START) for channel in ("C1", "C2", "C3")] == [NOW] * 3


def test_who_comes_too_early_or_too_late_has_to_wait() -> None:
    """Early: what is left of it. Late: the next second that is free, so that a pause makes no burst."""
    pace = Pace()
    for message in ("a", "b", "c"):
        pace.wait("C1", message, START)
    assert pace.wait("C1", "c", START + SECOND) == SECOND
    later = START + 60 * SECOND
    assert [pace.wait("C1", message, later) for message in ("b", "c")] == [NOW, SECOND]


def test_a_closed_workspace_opens_again() -> None:
    """The longest wait that was asked counts."""
    pace = Pace()
    assert pace.closed_for(START) == NOW
    pace.close(START + 30 * SECOND)
    pace.close(START + 5 * SECOND)
    assert pace.closed_for(START) == 30 * SECOND
    assert pace.closed_for(START + 30 * SECOND) == NOW


def test_the_pace_forgets_what_delays_nothing() -> None:
    """Ten thousand channels, each once: what is kept stays bounded."""
    pace = Pace()
    for number in range(10_000):
        at = START + number * SECOND
        for message in ("a", "b"):
            pace.wait(f"C{number}", message, at)
    assert len(pace._last) <= 1025
    assert len(pace._next) <= 1025
    assert len(pace._given) <= 1025


def test_people_are_remembered_for_a_while() -> None:
    """Where they are, for a day; that they are not there, for an hour. The case of an address does not matter."""
    people = People(10)
    people.found("Ann@example.com", "D1", START)
    people.missed("ben@example.com", "users_not_found", START)
    ann, ben = people.get("ann@EXAMPLE.com", START), people.get("ben@example.com", START)
    assert ann is not None
    assert ben is not None
    assert (ann.channel, ann.missing, ben.channel, ben.missing) == ("D1", "", "", "users_not_found")
    assert people.get("ben@example.com", START + timedelta(hours=1)) is None
    assert people.get("ann@example.com", START + timedelta(hours=23)) is not None
    assert people.get("ann@example.com", START + timedelta(days=1)) is None


def test_so_many_people_are_remembered() -> None:
    people = People(2)
    for name in ("ann", "ben"):
        people.found(name, name, START)
    assert people.get("ann", START) is not None
    people.found("cleo", "cleo", START)
    assert [name for name in ("ann", "ben", "cleo") if people.get(name, START)] == ["ann", "cleo"]
    people.forget("ann")
    assert people.get("ann", START) is None


def test_only_the_title_is_marked() -> None:
    """A long one is cut to what a header holds, and not within an escape."""
    header = {"type": "header", "text": {"type": "plain_text", "text": f"{'x' * 138}&amp;&amp;"}}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*kept*"}}
    content = {"text": "Stopped\nmore", "blocks": [header, section]}
    marked = marked_over(kept(content), "Over")
    assert (marked["text"], marked["blocks"][1]) == ("Over: Stopped\nmore", section)
    title = marked["blocks"][0]["text"]["text"]
    assert title == f"Over: {'x' * 138}&amp;…"
    assert len(title) <= 150
    plain = {"text": "all of it", "mrkdwn": False}
    assert marked_over(kept(plain), "Over") == {"text": "Over: all of it", "mrkdwn": False}


@pytest.mark.parametrize(
    ("attempts", "doubtful", "state"),
    [(0, False, DeliveryState.PENDING), (0, True, DeliveryState.RETRYING), (3, False, DeliveryState.RETRYING)],
)
def test_what_was_not_tried_waits_as_long_as_it_was_told(attempts: int, doubtful: bool, state: DeliveryState) -> None:  # noqa: FBT001 - a parameter of the table
    """No chance is in it; after a day it is given up, as anything."""
    delivery = make_delivery(attempts=attempts, doubtful=doubtful, create_time=START)
    outcome = Outcome(sent=False, tried=False, retry_after=timedelta(minutes=15))
    step = next_step(delivery, outcome, START, RetryPolicy(), 0.5)
    assert (step.state, step.next_attempt_time) == (state, START + timedelta(minutes=15))
    late = next_step(delivery, outcome, START + timedelta(hours=24), RetryPolicy(), 0.5)
    assert (late.state, late.next_attempt_time) == (DeliveryState.DEAD, None)


def test_a_workspace_breaks_once_and_is_mended() -> None:
    """What broke it first is kept; each change counts, and each token."""
    team = SlackTeam("T1", "Acme Inc.")
    fresh = with_new_token(None, "acme", "", team, START)
    assert (fresh.name, fresh.team_id, fresh.token_version, fresh.revision) == ("Acme Inc.", "T1", 1, 1)
    down = broken(fresh, "token_revoked", START + SECOND)
    assert (down.state, down.revision) == (SlackWorkspaceState.BROKEN, 2)
    assert broken(down, "invalid_auth", START + 2 * SECOND) is down
    up = mended(down, team, START + 3 * SECOND)
    assert (up.state, up.breakage, up.token_version, up.revision) == (SlackWorkspaceState.CONNECTED, None, 1, 3)
    replaced = with_new_token(down, "acme", "Acme", team, START + 3 * SECOND)
    assert (replaced.name, replaced.breakage, replaced.token_version, replaced.create_time) == ("Acme", None, 2, START)


@pytest.mark.parametrize(
    ("code", "word"),
    [("missing_scope", "chat:write"), ("token_unreadable", "TOKEN_KEYS"), ("token_revoked", "Install")],
)
def test_a_breakage_says_what_to_do(code: str, word: str) -> None:
    workspace = SlackWorkspace(id="acme", name="Acme", create_time=START, update_time=START)
    breakage = broken(workspace, code, START).breakage
    assert breakage is not None
    assert word in breakage.remedy("acme")
    assert "SLACK_BOT_TOKEN" in breakage.remedy("default")
