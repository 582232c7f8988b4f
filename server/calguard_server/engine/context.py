"""What every use case is built with."""

from datetime import timedelta

from msgspec import Struct, field

from calguard_server.domain.delivery import RetryPolicy
from calguard_server.domain.follow_up import REMINDERS
from calguard_server.domain.link_verdict import LinkPolicy
from calguard_server.domain.notices import Channel
from calguard_server.domain.provider_incident import IncidentPolicy
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.engine.ports.chance import Chance, NewId
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store


class Policies(Struct, frozen=True):
    """The numbers that decisions rest on; settings make them. `served` are the channels that this server can use.

    `report_spacing`: how far apart checks of one link begin at least that others' reports ask for. `assignment_window`:
    how long an assignment counts for whose turn it is.
    """

    link: LinkPolicy = field(default_factory=LinkPolicy)
    schedule: SchedulePolicy = field(default_factory=SchedulePolicy)
    incident: IncidentPolicy = field(default_factory=IncidentPolicy)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    notice_group_wait: timedelta = timedelta(seconds=5)
    reminders: tuple[timedelta, ...] = REMINDERS
    attempt_lifetime: timedelta = timedelta(minutes=30)
    report_spacing: timedelta = timedelta(seconds=2)
    assignment_window: timedelta = timedelta(days=30)
    served: frozenset[Channel] = frozenset(Channel)


class Context(Struct, frozen=True):
    """Where state is kept, what time it is, where ids and chance come from, and the policies."""

    store: Store
    clock: Clock
    new_id: NewId
    chance: Chance
    policies: Policies
