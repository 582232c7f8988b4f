"""Starting with a million links, and what they and their checks take in memory: a real server process."""

import asyncio
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from cryptography.fernet import Fernet

from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from tests.bench import many_links
from tests.bench.check_rate import local_google
from tests.bench.servers import resident
from tests.e2e.server_process import ServerProcess

LINKS = 1_000_000
CHECKS = (50_000, 150_000)
_INTERVAL = timedelta(minutes=2)
_SECONDS = 300
_COUNT = re.compile(r'^calguard_checks_total\{reason="HEALTHY"\} (\S+)', re.MULTILINE)
_HTTP = re.compile(r'"http_port": ?(\d+)')


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds from the start of the process until it listens; bytes of memory then, and after so many checks."""

    start_seconds: float
    memory: int
    memory_after: dict[int, int]

    @property
    def memory_a_link(self) -> float:
        """By how much memory grows with each link that was checked, once the caches are warm."""
        (first, before), *_, (last, after) = self.memory_after.items()
        return (after - before) / (last - first)


async def measure() -> Measured:
    """Fill a database, start a server on it, and let it check for a while."""
    key = Fernet.generate_key().decode()
    with tempfile.TemporaryDirectory() as folder, local_google() as url:
        path = Path(folder) / "db"
        policy = SchedulePolicy(check_interval=_INTERVAL)
        many_links.fill(path, Secret(key), LINKS, datetime.now(UTC), policy)  # noqa: TID251 - in real time
        begun = time.perf_counter()
        server = await ServerProcess.start(_environment(path, key, url))
        try:
            await server.port()
            seconds, memory = time.perf_counter() - begun, resident(server.pid)
            after = {await _checked(server, checks): resident(server.pid) for checks in CHECKS}
            return Measured(seconds, memory, after)
        finally:
            await server.end()


async def _checked(server: ServerProcess, wanted: int) -> int:
    """Wait until so many checks were made; how many it were."""
    found = _HTTP.search(server.printed)
    assert found is not None, server.printed
    async with asyncio.timeout(_SECONDS), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{found[1]}/metrics") as answer:
                counts = re.findall(
                    r'^calguard_checks_total\{reason="HEALTHY"\} (\S+)', await answer.text(), re.MULTILINE
                )
            checked = int(float(counts[0])) if counts else 0
            if checked >= wanted:
                return checked
            await asyncio.sleep(0.2)  # noqa: TID251 - a measurement runs in real time


def _environment(path: Path, key: str, url: str) -> Mapping[str, str]:
    settings = {
        "LISTEN": "127.0.0.1:0",
        "HTTP_LISTEN": "127.0.0.1:0",
        "DATABASE_URL": f"sqlite:///{path}",
        "TOKEN_KEYS": key,
        "GOOGLE_CLIENT_ID": "bench",
        "GOOGLE_CLIENT_SECRET": "bench",
        "GOOGLE_TOKEN_URI": f"{url}token",
        "GOOGLE_API_ENDPOINT": f"{url}calendar/v3/",
        "GOOGLE_QUOTA": "10000000",
        "CHECK_INTERVAL": f"{int(_INTERVAL.total_seconds())}s",
    }
    return {f"CALGUARD_{name}": value for name, value in settings.items()}
