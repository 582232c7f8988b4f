"""Some short histories, always the same ones; `make simulate` plays as many others as you like."""

import ast
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.simulation.history import Told, run_history

SEEDS = (*range(1, 25), 35, 42)  # the last two have the rarest of EXERCISED, which one in fifteen or so has
STEPS = 60

MODEL = (
    "account_wishes", "alerts", "attempts", "complaint", "follow", "follow_links", "incident_rules", "late_notices",
    "link_rules", "link_wishes", "notice_book", "notice_rules", "notice_truth", "owed", "page_rules", "page_wishes",
    "people", "plain", "silence_rules", "wishes",
)  # fmt: skip

EXERCISED = (
    "link LINKED", "link DEGRADED PROVIDER_UNAVAILABLE", "link FAILED AUTHORIZATION_REVOKED", "link STOPPED",
    "page LINKED", "page DEGRADED", "page STOPPED CALENDAR_FAILURE", "page STOPPED OWNER", "page STOPPED BOTH",
    "due check THRESHOLD_PASSED", "due check CONFIRMED", "due check HEALTHY",
    "sent message PAGE_STOPPED", "sent message MEMBER_FAULTY", "sent message PAGE_RESTARTED",
    "sent message OPERATOR_ALERT", "sent message REMINDER", "sent message LINK_FAILED", "sent message LINK_RECOVERED",
    "sent sent", "sent temporary", "sent permanent", "sent doubtful",
    "dropped INCIDENT_OVER", "dropped STOPPED_BY_HAND", "dropped NEVER_TOLD", "dropped NOT_CONCERNED",
    "dropped CHANNEL_OFF", "dropped SILENCED",
    "told again after it was dropped", "a stopped page changes hands", "reminded", "silences", "silences ended",
    "told after a silence", "retry done", "retry ILLEGAL_TRANSITION", "discard done", "discard ILLEGAL_TRANSITION",
    "deaths", "restarts in good order", "repeated: replayed", "repeated: misused", "mirror resumed", "mirror snapshots",
)  # fmt: skip
"""What the histories of the test must have in them, so that it proves something."""


@cache
def told(seed: int) -> Told:
    return run_history(seed, STEPS)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_is_as_the_rules_say(seed: int) -> None:
    """After each step: states, the log, the mirrors and the notices are what an independent model makes of it."""
    history = told(seed)
    print(f"seed {seed}: {len(history.trace)} lines, {history.tally['minutes passed']} minutes")  # noqa: T201
    assert history.failure is None, history.story()


def test_the_histories_have_everything_in_them() -> None:
    """Each kind of state, notice, outcome and restart comes up in the histories above."""
    tally: Counter[str] = Counter()
    for seed in SEEDS:
        tally += told(seed).tally
    assert [what for what in EXERCISED if not tally[what]] == []


def test_a_seed_is_a_history() -> None:
    """The same seed makes the same history, to the microsecond, in another process with other hashes too."""
    again = run_history(SEEDS[0], STEPS).digest
    code = f"from tests.simulation.history import run_history; print(run_history({SEEDS[0]}, {STEPS}).digest)"
    other = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told(SEEDS[0]).digest == again == other.stdout.strip()


@pytest.mark.parametrize("module", MODEL)
def test_the_model_knows_nothing_of_the_server(module: str) -> None:
    """A model that asks the code it judges judges nothing."""
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
    imported = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    imported += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    others = {f"tests.simulation.{name}" for name in MODEL}
    assert [name for name in imported if name.startswith(("calguard_server", "tests")) and name not in others] == []
