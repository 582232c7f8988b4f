"""`calguard provider`: how the calendar provider is."""

from collections.abc import Sequence

import click

from calguard.v1 import provider_pb2
from calguard.v1.provider_pb2_grpc import ProviderServiceStub
from calguard_client.cli.cells import enum_name, moment, state, text
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.table import Cell


@click.command()
@pass_session
def provider(session: Session) -> None:
    """Show whether Google Calendar works for the links.

    An incident is many unrelated links that fail alike at once; while it is open, links are held.
    """
    stub = ProviderServiceStub(session.channel)
    answer = session.call(stub.GetProviderStatus, provider_pb2.GetProviderStatusRequest())
    session.show(answer.provider_status, _details)


def _details(status: provider_pb2.ProviderStatus) -> Sequence[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [("provider", enum_name(status, "provider")), ("state", state(status))]
    for incident in status.incidents:
        told.append(("incident", f"{enum_name(incident, 'reason')}, {_period(incident)}"))
        told.append(("", f"{incident.accounts_affected} unrelated ones, of {incident.links_checked} links checked"))
        told.append(("", text(incident.id)))
    return told


def _period(incident: provider_pb2.ProviderIncident) -> str:
    begun = moment(incident.open_time)
    return f"{begun} to {moment(incident.end_time)}" if incident.HasField("end_time") else f"since {begun}"
