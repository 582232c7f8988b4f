"""A report is read in full before anything is done: every wrong field is named, and nothing of a body is repeated."""

import pytest

from calguard.v1 import calendar_link_pb2, cause_pb2
from calguard_server.domain.causes import CauseReason
from calguard_server.engine.reports import FailureReport
from calguard_server.grpc_api.report_wire import BODY_MAX, read_report, reason_to_wire
from tests.unit.requests_refused import wrong_fields


def request(**fields: object) -> calendar_link_pb2.ReportCalendarFailureRequest:
    return calendar_link_pb2.ReportCalendarFailureRequest(**{"calendar_link_id": "link", **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"http_status": 100}, FailureReport("link", 100)),
        ({"http_status": 599, "body": "x"}, FailureReport("link", 599, "x")),
        ({"body": "é" * (BODY_MAX // 2)}, FailureReport("link", 0, "é" * (BODY_MAX // 2))),
        (
            {"reason": cause_pb2.CAUSE_REASON_RATE_LIMITED},
            FailureReport("link", reason=CauseReason.RATE_LIMITED),
        ),
        ({"http_status": 401, "body": ""}, FailureReport("link", 401)),
    ],
)
def test_a_report_is_read(fields: dict[str, object], expected: FailureReport) -> None:
    assert read_report(request(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ["evidence"]),
        ({"body": ""}, ["evidence"]),
        ({"reason": 0}, ["reason"]),
        ({"reason": 99}, ["reason"]),
        ({"http_status": 99}, ["http_status"]),
        ({"http_status": -1}, ["http_status"]),
        ({"http_status": 600}, ["http_status"]),
        ({"body": "é" * (BODY_MAX // 2) + "x"}, ["body"]),
        ({"calendar_link_id": ""}, ["calendar_link_id", "evidence"]),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], wrong: list[str]) -> None:
    assert wrong_fields(read_report, request(**fields)) == wrong


@pytest.mark.parametrize("reason", CauseReason)
def test_reasons_go_out_by_name(reason: CauseReason) -> None:
    assert cause_pb2.CauseReason.Name(reason_to_wire(reason)) == f"CAUSE_REASON_{reason}"
    assert reason_to_wire(None) == cause_pb2.CAUSE_REASON_UNSPECIFIED
