"""Between rows and links."""

from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.store.rows.faults import cause_columns, cause_of
from calguard_server.store.rows.values import (
    Row,
    from_list,
    from_micros,
    optional_micros,
    optional_time,
    to_list,
    to_micros,
)


def link_row(link: CalendarLink) -> Row:
    """Write a link."""
    return (
        link.id,
        link.account_id,
        link.provider_subject,
        link.provider_email,
        link.state.value,
        *cause_columns(link.cause),
        to_micros(link.state_time),
        int(link.has_grant),
        to_list(link.granted_scopes),
        to_list(link.check_calendar_ids),
        link.add_calendar_id,
        optional_micros(link.last_check_time),
        optional_micros(link.next_check_time),
        link.consecutive_failures,
        optional_micros(link.failing_since),
        optional_micros(link.quota_exhausted_since),
        link.evidence,
        link.revision,
        to_micros(link.create_time),
        to_micros(link.update_time),
    )


def link_of(row: Row) -> CalendarLink:
    """Read a link."""
    return CalendarLink(
        id=row[0],
        account_id=row[1],
        provider_subject=row[2],
        provider_email=row[3],
        state=LinkState(row[4]),
        cause=cause_of(row[5:9]),
        state_time=from_micros(row[9]),
        has_grant=bool(row[10]),
        granted_scopes=from_list(row[11]),
        check_calendar_ids=from_list(row[12]),
        add_calendar_id=row[13],
        last_check_time=optional_time(row[14]),
        next_check_time=optional_time(row[15]),
        consecutive_failures=row[16],
        failing_since=optional_time(row[17]),
        quota_exhausted_since=optional_time(row[18]),
        evidence=row[19],
        revision=row[20],
        create_time=from_micros(row[21]),
        update_time=from_micros(row[22]),
    )
