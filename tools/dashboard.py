"""The Grafana dashboard: rows of panels, each a title, a unit and what is asked of Prometheus."""

import json
from typing import NamedTuple

_WIDTH, _HEIGHT = 8, 8
_PANELS_A_ROW = 3
_QUANTILES = (0.5, 0.99)


class _Panel(NamedTuple):
    """`queries` are expressions by the legend of what they answer; `about` is shown on hovering."""

    title: str
    unit: str
    queries: dict[str, str]
    about: str = ""


def _rate(metric: str, by: str, legend: str, only: str = "") -> dict[str, str]:
    return {legend: f"sum by ({by}) (rate({metric}{{{_where(only)}}}[$__rate_interval]))"}


def _increase(metric: str, by: str, legend: str) -> dict[str, str]:
    return {legend: f"sum by ({by}) (increase({metric}{{{_where('')}}}[$__rate_interval]))"}


def _quantiles(metric: str, only: str = "") -> dict[str, str]:
    buckets = f"sum by (le) (rate({metric}_bucket{{{_where(only)}}}[$__rate_interval]))"
    return {f"p{round(each * 100)}": f"histogram_quantile({each}, {buckets})" for each in _QUANTILES}


def _gauge(metric: str, legend: str, by: str = "", only: str = "") -> dict[str, str]:
    over = f" by ({by})" if by else ""
    return {legend: f"sum{over} ({metric}{{{_where(only)}}})"}


def _where(only: str) -> str:
    return 'job="$job", instance=~"$instance"' + (f", {only}" if only else "")


_ROWS: dict[str, list[_Panel]] = {
    "Booking pages and calendar links": [
        _Panel("Booking pages", "short", _gauge("calguard_booking_pages", "{{state}}", "state")),
        _Panel("Calendar links", "short", _gauge("calguard_calendar_links", "{{state}}", "state")),
        _Panel(
            "Open incidents",
            "short",
            _gauge("calguard_incidents_open", "pages and links") | _gauge("calguard_provider_incident", "provider"),
            "Stopped pages and failed links that people are told of; the provider is 1 while many links fail alike.",
        ),
    ],
    "Checks and Google": [
        _Panel("Checks, by decision", "ops", _rate("calguard_checks_total", "reason", "{{reason}}")),
        _Panel("How long a check takes", "s", _quantiles("calguard_check_duration_seconds")),
        _Panel("Longest overdue check", "s", _gauge("calguard_check_overdue_seconds", "overdue")),
        _Panel(
            "Requests to Google, by answer",
            "reqps",
            _rate("calguard_google_request_duration_seconds_count", "outcome", "{{outcome}}"),
        ),
        _Panel("How long Google takes", "s", _quantiles("calguard_google_request_duration_seconds")),
        _Panel("Reports of other services", "ops", _rate("calguard_failure_reports_total", "reason", "{{reason}}")),
    ],
    "Notices and appointments": [
        _Panel(
            "Messages, by outcome",
            "ops",
            _rate("calguard_notification_attempts_total", "channel, outcome", "{{channel}} {{outcome}}"),
        ),
        _Panel(
            "Oldest unsent notice", "s", _gauge("calguard_notification_oldest_unsent_seconds", "{{channel}}", "channel")
        ),
        _Panel(
            "Unsent and dead notices",
            "short",
            _gauge("calguard_notifications_unsent", "unsent") | _gauge("calguard_notifications_dead", "dead"),
        ),
        _Panel(
            "Entries that are not done", "short", _gauge("calguard_appointment_entries_undone", "{{state}}", "state")
        ),
        _Panel("Longest overdue entry", "s", _gauge("calguard_appointment_entry_overdue_seconds", "overdue")),
    ],
    "Calls and watches": [
        _Panel("Calls, by status", "reqps", _rate("grpc_server_handled_total", "grpc_code", "{{grpc_code}}")),
        _Panel("How long unary calls take", "s", _quantiles("grpc_server_handling_seconds")),
        _Panel("Watches", "short", _gauge("calguard_watch_streams", "open")),
        _Panel("Furthest behind watch", "s", _gauge("calguard_watch_lag_seconds", "behind")),
        _Panel(
            "Calls refused in overload",
            "reqps",
            _rate("calguard_calls_shed_total", "instance", "{{instance}}"),
            "Refused unseen, because calls waited too long; they are not among the calls by status.",
        ),
        _Panel("Changes", "ops", {"changes": f"sum(rate(calguard_revision{{{_where('')}}}[$__rate_interval]))"}),
    ],
    "Callers and TLS": [
        _Panel(
            "Until the certificate expires",
            "s",
            {"{{instance}}": f"calguard_tls_certificate_expiry_timestamp_seconds{{{_where('')}}} - time()"},
        ),
        _Panel(
            "Stale files and keys",
            "short",
            _gauge("calguard_tls_files_stale", "files of TLS")
            | _gauge("calguard_auth_tokens_file_stale", "file of callers")
            | _gauge("calguard_auth_jwks_stale", "keys of JWTs"),
            "1 while something cannot be read, and what was read of it before is in force.",
        ),
        _Panel("Renewals of TLS", "short", _increase("calguard_tls_renewals_total", "outcome", "{{outcome}}")),
    ],
    "Store and process": [
        _Panel(
            "Takes changes",
            "short",
            {"{{instance}}": f"calguard_store_writable{{{_where('')}}}"},
            "0 while the database does not answer, and health says NOT_SERVING.",
        ),
        _Panel("How long a commit takes", "s", _quantiles("calguard_store_commit_duration_seconds")),
        _Panel("Pieces of work a commit", "short", _quantiles("calguard_store_commit_size")),
        _Panel(
            "Database",
            "bytes",
            _gauge("calguard_store_file_bytes", "{{file}}", "file") | _gauge("calguard_store_free_bytes", "free"),
        ),
        _Panel("How late the event loop is", "s", _quantiles("calguard_event_loop_lag_seconds")),
        _Panel("Memory", "bytes", _gauge("process_resident_memory_bytes", "resident")),
        _Panel("Processor", "percentunit", _rate("process_cpu_seconds_total", "instance", "{{instance}}")),
    ],
}


def dashboard() -> str:
    """Write the dashboard as Grafana imports it."""
    model = {
        "uid": "calguard",
        "title": "Calguard",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [_datasource(), _variable("job", "calguard"), _variable("instance", "All")]},
        "panels": _placed(),
    }
    return json.dumps(model, indent=1) + "\n"


def _datasource() -> dict[str, object]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _variable(name: str, value: str) -> dict[str, object]:
    everything = value == "All"
    of_job = "" if name == "job" else '{job="$job"}'
    return {
        "name": name,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": f"label_values(calguard_revision{of_job}, {name})",
        "refresh": 2,
        "includeAll": everything,
        "multi": everything,
        "current": {"text": value, "value": "$__all" if everything else value},
    }


def _placed() -> list[dict[str, object]]:
    panels: list[dict[str, object]] = []
    top = 0
    for title, row in _ROWS.items():
        panels.append({"type": "row", "title": title, "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}})
        top += 1
        for place, panel in enumerate(row):
            across, down = place % _PANELS_A_ROW, place // _PANELS_A_ROW
            position = {"h": _HEIGHT, "w": _WIDTH, "x": across * _WIDTH, "y": top + down * _HEIGHT}
            panels.append(_drawn(panel, position))
        top += -(-len(row) // _PANELS_A_ROW) * _HEIGHT
    return [{"id": number, **panel} for number, panel in enumerate(panels, 1)]


def _drawn(panel: _Panel, position: dict[str, int]) -> dict[str, object]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "gridPos": position,
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": source, "expr": expression, "legendFormat": legend}
            for number, (legend, expression) in enumerate(panel.queries.items())
        ],
    }
