"""Between rows and incidents of pages, of links and of the provider."""

import json
from functools import lru_cache

from calguard_server.domain.causes import CauseReason
from calguard_server.domain.incident import Incident
from calguard_server.domain.provider_incident import ProviderIncident, ProviderStatus
from calguard_server.store.rows.values import Row, from_micros, optional_micros, optional_time, to_micros


def incident_row(incident: Incident) -> Row:
    """Write an incident."""
    return (
        incident.id,
        incident.booking_page_id,
        to_micros(incident.open_time),
        optional_micros(incident.close_time),
        optional_micros(incident.reminder_time),
        incident.calendar_link_id,
        optional_micros(incident.silenced_time),
    )


def provider_status_row(status: ProviderStatus) -> Row:
    """Write a provider's status."""
    incidents = [
        [
            each.id,
            each.reason.value,
            to_micros(each.open_time),
            optional_micros(each.end_time),
            each.accounts_affected,
            each.links_checked,
        ]
        for each in status.incidents
    ]
    return (status.id, json.dumps(incidents), status.revision, to_micros(status.update_time))


@lru_cache(maxsize=4)
def provider_status_of(row: Row) -> ProviderStatus:
    """Read a provider's status: with every group of changes, and mostly the same."""
    incidents = (
        ProviderIncident(
            id=incident_id,
            reason=CauseReason(reason),
            open_time=from_micros(open_time),
            end_time=optional_time(end_time),
            accounts_affected=affected,
            links_checked=checked,
        )
        for incident_id, reason, open_time, end_time, affected, checked in json.loads(row[1])
    )
    return ProviderStatus(id=row[0], incidents=tuple(incidents), revision=row[2], update_time=from_micros(row[3]))
