"""A diagnosis in the contract's words."""

from calguard.v1 import calendar_link_pb2 as pb
from calguard_server.domain.diagnosis import CalendarResult, Step
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.convert import cause_to_wire


def step_to_wire(step: Step) -> pb.DiagnosisStep:
    """Answer a step."""
    return pb.DiagnosisStep(
        stage=enums.DIAGNOSIS_STAGE.to_wire[step.stage],
        outcome=enums.DIAGNOSIS_OUTCOME.to_wire[step.outcome],
        cause=None if step.cause is None else cause_to_wire(step.cause),
        detail=step.detail,
        remedy=step.remedy,
        next_action=enums.NEXT_ACTION.to_wire[step.next_action],
        support_url=step.support_url,
        calendars=[_calendar_to_wire(each) for each in step.calendars],
    )


def _calendar_to_wire(result: CalendarResult) -> pb.DiagnosedCalendar:
    return pb.DiagnosedCalendar(
        calendar_id=result.calendar_id,
        cause=None if result.cause is None else cause_to_wire(result.cause),
        free_event_count=result.free_events,
        more_free_events=result.more,
        note=result.note,
    )
