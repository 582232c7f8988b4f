"""`calguard doctor`: at which stage a link fails, told as it is found out."""

from collections.abc import Iterator

import click
from click.exceptions import Exit
from rich.text import Text

from calguard.v1 import calendar_link_pb2 as pb
from calguard.v1.calendar_link_pb2_grpc import CalendarLinkServiceStub
from calguard_client.cli.cells import clean, enum_name
from calguard_client.cli.failures import EXIT_FAULT_FOUND
from calguard_client.cli.session import Session, pass_session

_MARKS = {
    pb.DIAGNOSIS_OUTCOME_PASSED: ("✓ passed ", "green"),
    pb.DIAGNOSIS_OUTCOME_FAILED: ("✗ FAILED ", "bold red"),
    pb.DIAGNOSIS_OUTCOME_SKIPPED: ("- skipped", "dim"),
    pb.DIAGNOSIS_OUTCOME_ADVICE: ("! advice ", "yellow"),
}
_UNKNOWN_MARK = ("?        ", "")
_STAGES = [each.name.removeprefix("DIAGNOSIS_STAGE_") for each in pb.DiagnosisStage.DESCRIPTOR.values if each.number]
_STAGE_WIDTH = max(map(len, _STAGES))


@click.command()
@click.argument("link_id", metavar="LINK")
@pass_session
def doctor(session: Session, link_id: str) -> None:
    """Find out at which stage a link fails.

    Tries the stages one after another, and tells of each as it ends: what is wrong, and who mends it. Google may take
    its time: --timeout is for the connection only.

    Exit code 0: nothing failed, with or without advice. 6: a stage failed.
    """
    stream = CalendarLinkServiceStub(session.channel).DiagnoseCalendarLink(pb.DiagnoseCalendarLinkRequest(id=link_id))
    failed = False
    with session.screen.waiting(_STAGES[0]) as wait_for:
        for message in stream:
            step = message.step
            _print_step(session, step)
            failed |= step.outcome == pb.DIAGNOSIS_OUTCOME_FAILED
            wait_for(_next_stage(step))
    if failed:
        raise Exit(EXIT_FAULT_FOUND)


def _next_stage(step: pb.DiagnosisStep) -> str:
    """Name what is waited for after a step: the next stage, and after the last the end of the stream."""
    later = _STAGES[step.stage :]
    return later[0] if later else "the link itself"


def _print_step(session: Session, step: pb.DiagnosisStep) -> None:
    if session.as_json:
        session.screen.json_line(step)
        return
    words, style = _MARKS.get(step.outcome, _UNKNOWN_MARK)
    head = Text("  ").join((Text(words, style), Text(enum_name(step, "stage").ljust(_STAGE_WIDTH))))
    for line in _lines(step):
        session.screen.entry(head, line)
        head = Text(" " * head.cell_len)


def _lines(step: pb.DiagnosisStep) -> Iterator[Text]:
    """Tell what was found, then what to do, then where to ask."""
    reason = f"{enum_name(step.cause, 'reason')}: " if step.cause.reason else ""
    yield Text(f"{reason}{clean(step.detail)}")
    if step.remedy:
        yield Text(clean(step.remedy), "bold")
    if step.support_url:
        yield Text(f"Help: {clean(step.support_url)}")
