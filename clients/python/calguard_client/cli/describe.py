"""How the parts that resources share are told to people."""

from calguard.v1 import cause_pb2, slack_pb2
from calguard_client.cli.cells import NOTHING, clean, enum_name, moment, text
from calguard_client.cli.table import Cell


def slack_text(address: slack_pb2.SlackAddress) -> str:
    """Tell a Slack address on one line."""
    parts = (("channel", address.channel_id), ("user", address.user_id), ("workspace", address.workspace_id))
    return clean(", ".join(f"{name} {value}" for name, value in parts if value)) or NOTHING


def cause_details(cause: cause_pb2.Cause) -> list[tuple[str, Cell]]:
    """Tell a cause in full; nothing where there is none."""
    if not cause.reason:
        return []
    told: list[tuple[str, Cell]] = [("cause", f"{enum_name(cause, 'reason')} since {moment(cause.since)}")]
    told.append(("", text(cause.message)))
    if cause.calendar_id:
        told.append(("calendar", text(cause.calendar_id)))
    if cause.capability:
        told.append(("concerns", enum_name(cause, "capability")))
    if cause.remedy:
        told.append(("remedy", text(cause.remedy)))
    if cause.operator_side:
        told.append(("", "only the operator of the service can mend it"))
    return told


def cause_line(cause: cause_pb2.Cause) -> str:
    """Tell a cause on one line; empty where there is none."""
    return f"{enum_name(cause, 'reason')}: {text(cause.message)}" if cause.reason else ""
