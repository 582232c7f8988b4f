"""A report of another service in the contract's words."""

from calguard.v1 import calendar_link_pb2 as pb
from calguard.v1 import cause_pb2
from calguard_server.domain.causes import CauseReason
from calguard_server.engine.reports import FailureReport
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.validation import Checker

BODY_MAX = 64 * 1024
_STATUS_LEAST, _STATUS_MOST = 100, 599


def read_report(request: pb.ReportCalendarFailureRequest) -> FailureReport:
    """Read what another service met; nothing of a body is repeated. Raises InvalidArgumentError."""
    check = Checker()
    link_id = check.id("calendar_link_id", request.calendar_link_id)
    status, evidence = request.http_status, request.WhichOneof("evidence")
    fits = status == 0 or _STATUS_LEAST <= status <= _STATUS_MOST
    check.expect(fits, "http_status", f"expected {_STATUS_LEAST} to {_STATUS_MOST}, or 0 where it is not known")
    reason = check.enum("reason", request.reason, enums.CAUSE_REASON) if evidence == "reason" else None
    check.expect(len(request.body.encode()) <= BODY_MAX, "body", f"expected at most {BODY_MAX} bytes")
    given = bool(status or request.body or evidence == "reason")
    check.expect(given, "evidence", "expected http_status, body or reason, one of them at least")
    check.refuse()
    return FailureReport(link_id, status, request.body, reason)


def reason_to_wire(reason: CauseReason | None) -> cause_pb2.CauseReason.ValueType:
    """Answer a reason; unspecified for none."""
    return cause_pb2.CAUSE_REASON_UNSPECIFIED if reason is None else enums.CAUSE_REASON.to_wire[reason]
