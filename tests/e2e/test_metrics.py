"""What `/metrics` shows of a running server, and that the page of docs, the alerts and the dashboard know it."""

import ast
import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from calguard.v1 import booking_page_pb2 as pages_pb
from tests.e2e.backend import Backend, running_backend
from tests.e2e.bearer import ADMIN, KNOWN, overwrite
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL, ANY
from tests.fakes.certificates import SERVER_NAMES, authority, dns, put
from tests.fakes.issuer import AUDIENCE, ISSUER, ec_key, key_set

_ROOT = Path(__file__).parents[2]
_RULES = _ROOT / "deploy/prometheus/calguard-alerts.yaml"
_DASHBOARD = _ROOT / "deploy/grafana/calguard.json"
_PAGE = _ROOT / "docs/metrics.md"
_SOURCE = _ROOT / "server/calguard_server"
_RUNBOOK = _ROOT / "docs/operations.md"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, of Prometheus, is not installed"
)
_NAME = re.compile(r"\b(?:calguard|grpc_server|process|python)_[a-z0-9_]+")
_KINDS = {"Counter", "Gauge", "Histogram"}
_COUNTER = re.compile(r"(\w+_total)((?:{[^}]*})?)")
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_info", "_created")


async def shown(backend: Backend) -> str:
    backend.clock.advance(timedelta(seconds=1))  # what was counted a moment ago is not counted again at once
    async with backend.browser.get(f"http://127.0.0.1:{backend.app.http_port}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


async def families(backend: Backend) -> dict[str, Metric]:
    parsed = text_string_to_metric_families(await shown(backend))
    return {each.name: each for each in parsed if not each.name.endswith("_created")}


async def value(backend: Backend, sample: str, **labels: str) -> float:
    found = await families(backend)
    return next(
        (
            each.value
            for family in found.values()
            for each in family.samples
            if each.name == sample and all(each.labels.get(name) == wanted for name, wanted in labels.items())
        ),
        0.0,
    )


@pytest.fixture
async def with_all(tmp_path: Path) -> AsyncIterator[Backend]:
    """A server with all that shows metrics of its own: TLS, certificates of callers, their file, and JWTs."""
    ca = authority()
    cert, key = ca.issue(*SERVER_NAMES).write(tmp_path, "server")
    put(tmp_path / "ca.pem", ca.cert)
    put(tmp_path / "keys.json", key_set(ec_key("ec-1").public()))
    overwrite(tmp_path / "callers", *KNOWN)
    own = ca.issue(dns("ops.example.com"))
    credentials = grpc.ssl_channel_credentials(ca.cert, own.key, own.cert)
    settings = {
        "tls_cert": str(cert),
        "tls_key": str(key),
        "tls_client_ca": str(tmp_path / "ca.pem"),
        "auth_tokens_file": str(tmp_path / "callers"),
        "auth_jwt_issuer": ISSUER,
        "auth_jwt_audience": AUDIENCE,
        "auth_jwt_jwks": str(tmp_path / "keys.json"),
    }
    async with running_backend(tmp_path, ADMIN, credentials, **settings) as running:
        yield running


async def busy(backend: Backend) -> None:
    """Have something of everything happen: two accounts, two pages, one of them stopped by a link that fails."""
    for name in ("ann", "ben"):
        await backend.add_account(name)
        await backend.link(name)
    await backend.add_page("all", ALL, "ben", "ann", "ben")
    await backend.add_page("any", ANY, "ben", "ann", "ben")
    [link] = await backend.all_links("ann")
    await backend.break_link(link)
    await backend.settled()


async def test_state(backend: Backend) -> None:
    """Links and pages are counted by state, and notices by what became of them."""
    await busy(backend)
    states = {"FAILED": 1, "LINKED": 1, "DEGRADED": 0, "STOPPED": 0}
    for state, links in states.items():
        assert await value(backend, "calguard_calendar_links", state=state) == links
    assert await value(backend, "calguard_booking_pages", state="STOPPED") == 1
    assert await value(backend, "calguard_booking_pages", state="DEGRADED") == 1
    assert await value(backend, "calguard_incidents_open") == 1
    assert await value(backend, "calguard_notifications_unsent") == 0
    assert await value(backend, "calguard_notifications_dead") == 0
    assert await value(backend, "calguard_provider_incident") == 0
    assert await value(backend, "calguard_notification_attempts_total", channel="EMAIL", outcome="SENT") >= 1


async def test_checks(backend: Backend) -> None:
    """Checks that fall due are counted and timed; what is due and not made shows as overdue."""
    await busy(backend)
    before = await value(backend, "calguard_check_duration_seconds_count")
    await backend.pass_time(minutes=30)
    await backend.until(lambda _: True)
    while not await value(backend, "calguard_checks_total", reason="HEALTHY"):
        await backend.pass_time(seconds=1)
    assert await value(backend, "calguard_check_duration_seconds_count") > before
    assert await value(backend, "calguard_google_request_duration_seconds_count", outcome="200") > 0
    assert await value(backend, "calguard_google_request_duration_seconds_count", outcome="400") > 0


async def test_calls(backend: Backend) -> None:
    """Calls are counted by their status; a refusal is none of the successes."""
    service = "calguard.v1.BookingPageService"
    await busy(backend)
    request = pages_pb.GetBookingPageRequest(id="any")
    await backend.pages.GetBookingPage(request)
    with pytest.raises(grpc.aio.AioRpcError):
        await backend.pages.GetBookingPage(pages_pb.GetBookingPageRequest(id="nothing"))
    names = {"grpc_service": service, "grpc_method": "GetBookingPage"}
    assert await value(backend, "grpc_server_handled_total", grpc_code="OK", **names) == 1
    assert await value(backend, "grpc_server_handled_total", grpc_code="NOT_FOUND", **names) == 1
    assert await value(backend, "grpc_server_handling_seconds_count", **names) == 2


async def test_watches(backend: Backend) -> None:
    """Open watches are counted while they are open, and not timed when they end."""
    await busy(backend)
    watcher = backend.watch()
    await watcher.snapshot()
    assert await value(backend, "calguard_watch_streams") == 1
    assert await value(backend, "calguard_watch_lag_seconds") == 0
    watcher.cancel()
    method = {"grpc_method": "Watch"}
    while not await value(backend, "grpc_server_handled_total", grpc_code="CANCELLED", **method):
        await backend.notifications()
    assert await value(backend, "calguard_watch_streams") == 0
    assert await value(backend, "grpc_server_handling_seconds_count", **method) == 0


async def test_store(backend: Backend) -> None:
    """Commits are counted with their sizes; the files have theirs."""
    before = await value(backend, "calguard_store_commit_duration_seconds_count")
    await busy(backend)
    assert await value(backend, "calguard_store_commit_duration_seconds_count") > before
    assert await value(backend, "calguard_store_commit_size_sum") >= await value(
        backend, "calguard_store_commit_size_count"
    )
    assert await value(backend, "calguard_store_file_bytes", file="database") > 0
    assert await value(backend, "calguard_store_free_bytes") > 0
    assert await value(backend, "calguard_revision") > 0


def named_in(text: str, known: set[str]) -> set[str]:
    """The families that a text names, whichever of their samples it names."""
    return {_family(name, known) for name in _NAME.findall(text)}


def _family(name: str, known: set[str]) -> str:
    if name in known:
        return name
    return next((name.removesuffix(each) for each in _SUFFIXES if name.removesuffix(each) in known), name)


def named_in_the_source() -> set[str]:
    """The metrics that the server's source makes, as far as it spells their names."""
    trees = (ast.parse(path.read_text()) for path in _SOURCE.rglob("*.py"))
    made = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return {
        node.args[0].value
        for node in made
        if isinstance(node.func, ast.Name)
        and node.func.id in _KINDS
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


async def test_a_server_with_all_on_shows_every_metric(with_all: Backend) -> None:
    """So that what is compared with it below is compared with all there is."""
    known = set(await families(with_all))
    named = named_in_the_source()
    assert len(named) > 15
    assert named <= known


async def test_page_of_docs_names_every_metric_and_no_other(with_all: Backend) -> None:
    known = {name for name in await families(with_all) if name.startswith(("calguard_", "grpc_"))}
    in_rows = "\n".join(line for line in _PAGE.read_text().splitlines() if line.startswith("| `"))
    assert named_in(in_rows, known) == known


async def test_rules_and_panels_ask_for_metrics_that_exist(with_all: Backend) -> None:
    known = set(await families(with_all))
    expressions = [*(rule["expr"] for rule in rules()), *queries(json.loads(_DASHBOARD.read_text()))]
    assert len(expressions) > 20
    for expression in expressions:
        assert named_in(expression, known) <= known, expression


async def test_what_alerts_count_is_shown_at_0_before_it_happens(with_all: Backend) -> None:
    """Else the first event would be no increase; how long things take is no event."""
    shows = await shown(with_all)
    counted = {name + where for rule in rules() for name, where in _COUNTER.findall(rule["expr"])}
    assert len(counted) == 3
    for each in counted:
        name, _, where = each.removesuffix("}").partition("{")
        rows = [row for row in shows.splitlines() if row.startswith(name) and where in row]
        assert rows, each
        assert all(row.endswith(" 0.0") for row in rows), each
    for method in METHODS:
        assert re.search(rf'handled_total{{grpc_code="INTERNAL",grpc_method="{method}",.*}} 0\.0', shows), method


def rules() -> list[dict[str, str]]:
    return [rule for group in yaml.safe_load(_RULES.read_text())["groups"] for rule in group["rules"]]


def queries(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("expr"), str):
            yield part["expr"]
        part = list(part.values())
    for each in part if isinstance(part, list) else ():
        yield from queries(each)


def test_every_alert_is_in_the_runbook() -> None:
    """Each has what it means, what to look at and what to do, under a heading that its annotation links to."""
    section = _RUNBOOK.read_text().partition("\n## Alerts by metrics\n")[2].partition("\n## ")[0]
    headings = set(re.findall(r"^### (\w+)$", section, re.MULTILINE))
    alerts = {rule["alert"] for rule in rules()}
    assert alerts == headings
    for rule in rules():
        assert rule["annotations"]["runbook"].endswith(f"#{rule['alert'].lower()}")  # type: ignore[index]


@needs_promtool
def test_promtool_reads_the_rules() -> None:
    for question in (["check", "rules", _RULES], ["test", "rules", _RULES.with_stem(f"{_RULES.stem}-test")]):
        promtool(question)


@needs_promtool
async def test_promtool_has_nothing_to_say_of_names_and_types(backend: Backend) -> None:
    await busy(backend)
    assert await asyncio.to_thread(promtool, ["check", "metrics"], await shown(backend)) == ""


def promtool(question: list[str | Path], metrics: str = "") -> str:
    """What it complains of."""
    run = subprocess.run(["promtool", *question], input=metrics, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stderr
