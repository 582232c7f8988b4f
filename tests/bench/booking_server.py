"""Our server with the members of a page, each with a link, and the local Google that it asks."""

import tempfile
from collections.abc import Iterator
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
def booking_server(url: str, cache: str) -> Iterator[tuple[Server, Path]]:
    """Run it; `cache` is AVAILABILITY_CACHE. Answers also where its database is."""
    key = Fernet.generate_key().decode()
    now = datetime.now(UTC)  # noqa: TID251 - a measurement runs in real time
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        many_links.fill(path, Secret(key), MEMBERS, now, SchedulePolicy(check_interval=timedelta(days=1)))
        settings = {
            "LISTEN": "127.0.0.1:0",
            "HTTP_LISTEN": "",
            "DATABASE_URL": f"sqlite:///{path}",
            "TOKEN_KEYS": key,
            "GOOGLE_CLIENT_ID": "bench",
            "GOOGLE_CLIENT_SECRET": "bench",
            "GOOGLE_REDIRECT_URI": "http://127.0.0.1:1/callback",
            "GOOGLE_TOKEN_URI": f"{url}token",
            "GOOGLE_API_ENDPOINT": f"{url}calendar/v3/",
            "GOOGLE_QUOTA": "10000000",
            "GOOGLE_USER_QUOTA": "10000000",
            "CHECK_INTERVAL": "1d",
            "AVAILABILITY_CACHE": cache,
        }
        with calguard(settings) as server:
            yield server, path


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
