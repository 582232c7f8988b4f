"""What the log of changes tells of appointments, held against what they are."""

from itertools import pairwise

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import watch_pb2
from calguard_server.domain.appointment import Appointment
from calguard_server.grpc_api.appointment_wire import appointment_to_wire
from calguard_server.store.sqlite.store import SqliteStore

CREATED, UPDATED = watch_pb2.STATE_CHANGE_TYPE_CREATED, watch_pb2.STATE_CHANGE_TYPE_UPDATED
STATE_CHANGED = watch_pb2.STATE_CHANGE_TYPE_STATE_CHANGED


async def changes_of(store: SqliteStore, appointment_id: str) -> list[watch_pb2.StateChange]:
    """Read every change of an appointment."""
    log = await store.log_after(0, 100_000)
    assert [entry.revision for entry in log] == list(range(1, len(log) + 1))
    told = [entry for entry in log if entry.kind == "APPOINTMENT" and entry.resource_id == appointment_id]
    return [watch_pb2.StateChange.FromString(entry.encoded) for entry in told]


async def expect_told(store: SqliteStore, appointment: Appointment) -> list[watch_pb2.StateChange]:
    """Expect that each change is told once, and that the last shows what is; answers the changes."""
    changes = await changes_of(store, appointment.id)
    shown = [seen(change.appointment) for change in changes]
    assert shown[-1] == seen(appointment_to_wire(appointment))
    assert all(one != other for one, other in pairwise(shown))
    assert [change.type for change in changes].count(CREATED) == 1
    assert changes[0].type == CREATED
    for change in changes:
        assert change.appointment.revision == change.revision
        assert change.appointment.update_time == change.time
    assert (appointment.revision, appointment_to_wire(appointment).update_time) == (
        changes[-1].revision,
        changes[-1].time,
    )
    return changes


def seen(appointment: pb.Appointment) -> pb.Appointment:
    """Answer an appointment without what no change of its own tells."""
    bare = pb.Appointment()
    bare.CopyFrom(appointment)
    for each in bare.assignees:
        each.ClearField("next_attempt_time")
    bare.ClearField("revision")
    bare.ClearField("update_time")
    return bare
