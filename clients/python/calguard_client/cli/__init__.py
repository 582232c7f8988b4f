"""The `calguard` command: one file a group of commands."""

from calguard_client.cli.accounts import accounts
from calguard_client.cli.appointments import appointments
from calguard_client.cli.availability import availability
from calguard_client.cli.doctor import doctor
from calguard_client.cli.links import links
from calguard_client.cli.notifications import notifications
from calguard_client.cli.pages import pages
from calguard_client.cli.provider import provider
from calguard_client.cli.root import main
from calguard_client.cli.silences import silences
from calguard_client.cli.slack import slack
from calguard_client.cli.top import top
from calguard_client.cli.watch import watch

for _command in (
    accounts,
    links,
    pages,
    availability,
    appointments,
    notifications,
    silences,
    slack,
    provider,
    doctor,
    watch,
    top,
):
    main.add_command(_command)

__all__ = ["main"]
