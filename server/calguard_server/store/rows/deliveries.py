"""Between rows and deliveries."""

from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.store.rows.faults import from_faults, to_faults
from calguard_server.store.rows.values import Row, from_micros, optional_micros, optional_time, to_micros


def delivery_row(delivery: Delivery) -> Row:
    """Write a delivery."""
    return (
        delivery.id,
        delivery.incident_id,
        delivery.booking_page_id,
        delivery.kind.value,
        delivery.stage,
        delivery.recipient_account_id,
        delivery.channel.value,
        to_faults(delivery.faults),
        delivery.revision,
        delivery.state.value,
        delivery.attempts,
        optional_micros(delivery.next_attempt_time),
        to_micros(delivery.create_time),
        delivery.address,
        delivery.last_error,
        optional_micros(delivery.send_time),
        delivery.message_id,
        delivery.fence,
        int(delivery.doubtful),
        delivery.attempts_before,
        optional_micros(delivery.retry_time),
    )


def delivery_of(row: Row, *, incident_closed: bool = False) -> Delivery:
    """Read a delivery."""
    return Delivery(
        id=row[0],
        incident_id=row[1],
        booking_page_id=row[2],
        kind=NoticeKind(row[3]),
        stage=row[4],
        recipient_account_id=row[5],
        channel=Channel(row[6]),
        faults=from_faults(row[7]),
        revision=row[8],
        state=DeliveryState(row[9]),
        attempts=row[10],
        next_attempt_time=optional_time(row[11]),
        create_time=from_micros(row[12]),
        address=row[13],
        last_error=row[14],
        send_time=optional_time(row[15]),
        message_id=row[16],
        fence=row[17],
        doubtful=bool(row[18]),
        attempts_before=row[19],
        retry_time=optional_time(row[20]),
        incident_closed=incident_closed,
    )
