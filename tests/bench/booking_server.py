"""Our server with the members of a page, each with a link to the local Google or to the sandbox."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc.aio
from cryptography.fernet import Fernet

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import booking_page_pb2_grpc as pages_grpc
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from tests.bench import many_links
from tests.bench.servers import Server, calguard

MEMBERS = 20


@contextmanager
def booking_server(
    google: Mapping[str, str], cache: str, grants: Mapping[str, str] | None = None
) -> Iterator[tuple[Server, Path]]:
    """Run it; answers also where its database is.

    `google` are the settings that name it, `cache` is AVAILABILITY_CACHE. `grants` are the members' calendars with
    their refresh tokens; without, those of the local Google.
    """
    key = Fernet.generate_key().decode()
    now = datetime.now(UTC)  # noqa: TID251 - a measurement runs in real time
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        many_links.fill(path, Secret(key), MEMBERS, now, SchedulePolicy(check_interval=timedelta(days=1)))
        many_links.link_to(path, Secret(key), grants or {})
        settings = {
            "LISTEN": "127.0.0.1:0",
            "HTTP_LISTEN": "",
            "DATABASE_URL": f"sqlite:///{path}",
            "TOKEN_KEYS": key,
            "GOOGLE_REDIRECT_URI": "http://127.0.0.1:1/callback",
            "GOOGLE_QUOTA": "10000000",
            "GOOGLE_USER_QUOTA": "10000000",
            "CHECK_INTERVAL": "1d",
            "AVAILABILITY_CACHE": cache,
            **google,
        }
        with calguard(settings) as server:
            yield server, path


def at_local_google(url: str) -> Mapping[str, str]:
    """Answer the settings that name the local Google."""
    return {
        "GOOGLE_CLIENT_ID": "bench",
        "GOOGLE_CLIENT_SECRET": "bench",
        "GOOGLE_TOKEN_URI": f"{url}token",
        "GOOGLE_API_ENDPOINT": f"{url}calendar/v3/",
    }


async def add_page(channel: grpc.aio.Channel, mode: str) -> None:
    """Make a page of everybody, whose id is the name of its mode."""
    page = pages_pb.BookingPage(
        id=mode,
        owner_account_id="account-0",
        title=mode,
        scheduling_mode=pages_pb.SchedulingMode.Value(f"SCHEDULING_MODE_{mode}"),
        members=[pages_pb.BookingPageMember(account_id=f"account-{number}") for number in range(MEMBERS)],
    )
    stub: Any = pages_grpc.BookingPageServiceStub(channel)
    await stub.CreateBookingPage(pages_pb.CreateBookingPageRequest(booking_page=page))
