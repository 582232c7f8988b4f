"""A database with something of everything in it, made over the contract alone, and what a server answers about it."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from google.protobuf.json_format import MessageToDict

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import appointment_pb2 as appointments_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import silence_pb2 as silences_pb
from calguard.v1 import silence_pb2_grpc
from calguard.v1 import slack_workspace_pb2 as slack_pb
from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.app import App
from calguard_server.settings.server import read_settings
from calguard_server.wiring.world import World
from tests.e2e.backend import Backend, settings_for
from tests.e2e.booking import assign, cancel
from tests.e2e.stubs import ALL, ANY, AUTO
from tests.fakes.world import START, CountingIds, ManualClock, middle

KEY = "A" * 43 + "="
TEAM, TOKEN = "T0ACME", "xoxb-acme"
REPEATED = accounts_pb.CreateAccountRequest(
    account=accounts_pb.Account(
        id="hana",
        display_name="花",
        email="hana@example.com",
        locale="ja",
        webhook=accounts_pb.Webhook(url="https://hooks.example.com/calguard", secret="whsec_" + "QUJD" * 8),
    ),
    request_id="6a1b6d38-0f0c-4b3e-9a53-2a4f2d6a7c11",
)
"""A call that is made again after the upgrade: it is answered as before, and done once."""

Answers = dict[str, Any]


@asynccontextmanager
async def backend_at(database: Path, now: datetime, name: str) -> AsyncIterator[Backend]:
    """A server on a database, whose clock stands at a time; `name` is in each id that it makes."""
    clock, ids = ManualClock(), CountingIds()
    clock.advance(now - START)
    world = World(clock, lambda noun: ids(f"{noun}-{name}"), middle)
    async with Sandbox(SandboxOptions(seed=name), now=clock.now) as sandbox, aiohttp.ClientSession() as browser:
        sandbox.slack_workspaces.add(TEAM, TOKEN)
        settings = settings_for(sandbox, database) | {
            "token_keys": KEY,
            "reminders": "",
            "operator_email": "",
            "operator_slack_channel": "",
        }
        app = await App.start(read_settings(**settings), world)
        backend = Backend(app, sandbox, clock, database, settings, world, browser)
        try:
            yield backend
        finally:
            await backend.stop()


async def play(backend: Backend) -> None:
    """Accounts, links, a page that stopped, appointments, a silence, a workspace: something of every table."""
    for name in ("ann", "ben", "olga"):
        await backend.add_account(name)
    await backend.accounts.CreateAccount(REPEATED)
    await backend.put_slack("acme", TOKEN)
    ann, _ = await backend.link("ann"), await backend.link("ben")
    await backend.add_page("both", ALL, "olga", "ann", "ben")
    await backend.add_page("either", ANY, "olga", "ann", "ben")
    await backend.add_page("turns", AUTO, "olga", "ann", "ben")
    await backend.add_page("shut", ANY, "olga", "ann")
    await backend.stop_page("shut")
    kept, dropped = await assign(backend, "either", 5), await assign(backend, "both", 8)
    await cancel(backend, dropped.id)
    await backend.settled()
    silences: Any = silence_pb2_grpc.SilenceServiceStub(backend.channel)
    await silences.CreateSilence(
        silences_pb.CreateSilenceRequest(silence=_silence("shut", backend.clock.now() + timedelta(days=2)))
    )
    await backend.break_link(ann)
    await backend.settled()
    while_faulty = [await assign(backend, "turns", hours) for hours in (30, 32)]
    assert {each.assignees[0].account_id for each in while_faulty} == {"ann", "ben"}
    await backend.relink(ann)
    await backend.settled()
    await backend.break_link(ann)
    await backend.begin("ben")
    assert kept.assignees
    await backend.settled()


def _silence(page_id: str, end: datetime) -> silences_pb.Silence:
    silence = silences_pb.Silence(booking_page_id=page_id, reason="moving house")
    silence.end_time.FromDatetime(end)
    return silence


async def answers_of(backend: Backend) -> Answers:
    """Everything that can be asked, as JSON."""
    silences: Any = silence_pb2_grpc.SilenceServiceStub(backend.channel)
    asked = {
        "accounts": await backend.accounts.ListAccounts(accounts_pb.ListAccountsRequest()),
        "links": await backend.links.ListCalendarLinks(links_pb.ListCalendarLinksRequest()),
        "pages": await backend.pages.ListBookingPages(pages_pb.ListBookingPagesRequest()),
        "notices": await backend.notices.ListNotifications(notices_pb.ListNotificationsRequest(page_size=1000)),
        "appointments": await backend.appointments.ListAppointments(appointments_pb.ListAppointmentsRequest()),
        "silences": await silences.ListSilences(silences_pb.ListSilencesRequest()),
        "workspaces": await backend.slack.ListSlackWorkspaces(slack_pb.ListSlackWorkspacesRequest()),
    }
    return {name: MessageToDict(answer) for name, answer in asked.items()}


def schema_of(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
