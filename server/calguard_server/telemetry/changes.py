"""The log's lines about booking pages that stop and start again, whatever made them do so."""

from collections.abc import Sequence

import structlog

from calguard_server.domain.events import Change, ChangeType
from calguard_server.domain.page import BookingPage

_log = structlog.get_logger()


def log_changes(changes: Sequence[Change]) -> None:
    """Log the changes of pages' states among those of a commit."""
    for change in changes:
        page = change.resource
        if change.type is ChangeType.STATE_CHANGED and isinstance(page, BookingPage):
            _log.info(
                "booking page changed",
                booking_page_id=page.id,
                state=page.state.value,
                stop_cause=page.stop_cause.value,
                faulty_account_ids=[fault.account_id for fault in page.faulty],
                revision=change.revision,
                caused_by_revision=change.caused_by or None,
            )
