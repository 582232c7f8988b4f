"""Between rows and silences."""

from calguard_server.domain.silence import Silence
from calguard_server.store.rows.values import Row, from_micros, to_micros


def silence_row(silence: Silence) -> Row:
    """Write a silence."""
    return (
        silence.id,
        silence.booking_page_id,
        silence.account_id,
        silence.calendar_link_id,
        to_micros(silence.end_time),
        silence.reason,
        to_micros(silence.create_time),
    )


def silence_of(row: Row) -> Silence:
    """Read a silence."""
    return Silence(
        id=row[0],
        booking_page_id=row[1],
        account_id=row[2],
        calendar_link_id=row[3],
        end_time=from_micros(row[4]),
        reason=row[5],
        create_time=from_micros(row[6]),
    )
