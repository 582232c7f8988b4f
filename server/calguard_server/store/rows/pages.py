"""Between rows and booking pages."""

import json
from functools import lru_cache

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.page import AssignmentMethod, BookingPage, FaultyMembers, Member, PagePhase, SchedulingMode
from calguard_server.store.rows.faults import from_faults, to_faults
from calguard_server.store.rows.values import Row, from_micros, to_micros


def page_row(page: BookingPage) -> Row:
    """Write a page."""
    slack = page.slack
    return (
        page.id,
        page.owner_account_id,
        page.title,
        page.scheduling_mode.value,
        _to_members(page.members),
        page.faulty_members.value,
        page.assignment_method.value,
        slack.workspace_id,
        slack.user_id,
        slack.channel_id,
        page.phase.value,
        to_faults(page.faulty),
        to_micros(page.state_time),
        page.revision,
        to_micros(page.create_time),
        to_micros(page.update_time),
    )


def page_of(row: Row) -> BookingPage:
    """Read a page."""
    return BookingPage(
        id=row[0],
        owner_account_id=row[1],
        title=row[2],
        scheduling_mode=SchedulingMode(row[3]),
        members=_from_members(row[4]),
        faulty_members=FaultyMembers(row[5]),
        assignment_method=AssignmentMethod(row[6]),
        slack=SlackAddress(row[7], row[8], row[9]),
        phase=PagePhase(row[10]),
        faulty=from_faults(row[11]),
        state_time=from_micros(row[12]),
        revision=row[13],
        create_time=from_micros(row[14]),
        update_time=from_micros(row[15]),
    )


@lru_cache(maxsize=4096)
def _to_members(members: tuple[Member, ...]) -> str:
    return json.dumps([[member.account_id, member.priority] for member in members])


@lru_cache(maxsize=4096)
def _from_members(text: str) -> tuple[Member, ...]:
    return tuple(Member(account_id, priority) for account_id, priority in json.loads(text))
