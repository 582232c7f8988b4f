"""One run: a real server is sent what nobody would send, by every way in; then its log and its memory are looked at."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio

from calguard_sandbox import Sandbox, SandboxOptions
from tests.bench.servers import resident
from tests.e2e.backend import settings_for
from tests.e2e.bearer import ADMIN, KNOWN, carrying, overwrite
from tests.e2e.methods import METHODS
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import ALL, Stubs, query_of
from tests.fakes.certificates import put
from tests.fakes.issuer import AUDIENCE, ISSUER, Key, ec_key, key_set
from tests.fuzz.bearers import Bearers
from tests.fuzz.messages import Sample, messages, with_link
from tests.fuzz.mutation import Metadata, metadata, mutated, noise
from tests.fuzz.targets import call, http_status, no_http2
from tests.fuzz.valid import valid

NEVER = ("INTERNAL", "UNKNOWN", "DATA_LOSS", "DEADLINE_EXCEEDED", "UNAVAILABLE")
_EACH_DRAWN = 20
"""How often each message that was drawn is used."""

_AT_ONCE = 16
_WARM = 0.2
"""After which part of the run memory is looked at first: caches are filled by then."""

_STREAMS = {method.path for method in METHODS.values() if method.streams}
_SETTINGS = {"check_interval": "1d", "google_timeout": "2s"}


class Fuzz:
    """Sends `count` samples. `tally` counts what came of them, `resident` has the memory when it was looked at."""

    def __init__(
        self,
        server: ServerProcess,
        stubs: Stubs,
        strangers: grpc.aio.Channel,
        ports: tuple[int, int],
        link_id: str,
        key: Key,
        seed: int,
    ) -> None:
        self.tally: Counter[str] = Counter()
        self.bad: list[tuple[str, str, bytes]] = []
        self.resident: list[int] = []
        self._server = server
        self._channel = stubs.channel
        self._strangers = strangers
        self._bearers = Bearers(key)
        self._port, self._http_port = ports
        self._link_id = link_id
        self._seed = seed
        self._chance = random.Random(seed)
        self._valid = valid()

    async def play(self, count: int, tell: Callable[[str], None]) -> None:
        drawn = messages(self._seed, max(100, count // _EACH_DRAWN))
        tell(f"{len(drawn)} messages drawn")
        left = iter(range(count))
        marks = {int(count * _WARM), count - 1}

        async def work() -> None:
            for number in left:
                await self._one(drawn)
                if number in marks:
                    self.resident.append(resident(self._server.pid))
                if number % 10_000 == 0:
                    tell(f"{number} sent, {resident(self._server.pid) / 2**20:.0f} MiB")

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(work())

    async def _one(self, drawn: list[Sample]) -> None:
        chance = self._chance
        way = chance.random()
        if way < 0.04:
            await no_http2(self._port, chance)
            self.tally["greetings"] += 1
        elif way < 0.12:
            status, raw = await http_status(self._http_port, chance)
            self._count("HTTP", str(status), raw, never=status >= 500)
        elif way < 0.2:
            path, raw = chance.choice(self._valid)
            token = self._bearers.made(chance)
            bearing: Metadata = (("authorization", f"Bearer {token}"),)
            code = (await call(self._strangers, path, raw, bearing, streams=path in _STREAMS)).name
            self.tally["JWTs let in" if code not in ("UNAUTHENTICATED", "RESOURCE_EXHAUSTED") else "JWTs refused"] += 1
            if code in NEVER:
                self.bad.append((path, code, token.encode()))
        else:
            path, raw = self._sample(drawn)
            told = metadata(chance) if chance.random() < 0.2 else None
            code = (await call(self._channel, path, raw, told, streams=path in _STREAMS)).name
            self._count(path, code, raw, never=code in NEVER)

    def _sample(self, drawn: list[Sample]) -> Sample:
        chance = self._chance
        path, raw = chance.choice(self._valid if chance.random() < 0.4 else drawn)
        raw = with_link(raw, self._link_id)
        match chance.random():
            case kind if kind < 0.1:
                return path, noise(chance)
            case kind if kind < 0.15:
                return f"{path[: chance.randint(1, len(path))]}{chance.randrange(1000)}", raw
            case kind if kind < 0.4:
                return path, raw
            case _:
                return path, mutated(raw, [chance.choice(drawn)[1]], chance)

    def _count(self, where: str, what: str, raw: bytes, *, never: bool) -> None:
        self.tally[f"HTTP {what}" if where == "HTTP" else what] += 1
        if never:
            self.bad.append((where, what, raw))


async def fuzz(folder: Path, seed: int, count: int, tell: Callable[[str], None]) -> Fuzz:
    """Play a run. Raises AssertionError where an answer was not foreseen, or the log shows an error."""
    async with Sandbox(SandboxOptions(seed="fuzz")) as sandbox:
        key = ec_key("the-key")
        settings = settings_for(sandbox, folder / "calguard.db") | _SETTINGS | _callers(folder, key)
        async with _server({f"CALGUARD_{name.upper()}": value for name, value in settings.items()}) as server:
            port = await server.port()
            http_port = next(int(str(line["http_port"])) for line in server.events if "http_port" in line)
            target = f"127.0.0.1:{port}"
            async with (
                grpc.aio.insecure_channel(target, interceptors=carrying(ADMIN)) as channel,
                grpc.aio.insecure_channel(target) as strangers,
            ):
                stubs = Stubs(channel)
                run = Fuzz(server, stubs, strangers, (port, http_port), await _begin(stubs, sandbox), key, seed)
                await run.play(count, tell)
                assert not run.bad, run.bad[:5]
                assert (await stubs.add_account("", display_name="Still here")).display_name == "Still here"
            server.send(signal.SIGTERM)
            assert await server.ended() == 0
            wrong = [line for line in server.events if line["level"] in ("error", "critical") or "exception" in line]
            assert not wrong, wrong[:5]
            assert "Traceback" not in server.complaints + server.printed
            return run


def _callers(folder: Path, key: Key) -> dict[str, str]:
    """Have callers known by tokens, and by JWTs that a key signs."""
    overwrite(folder / "callers", *KNOWN)
    put(folder / "keys.json", key_set(key.public()))
    return {
        "auth_tokens_file": str(folder / "callers"),
        "auth_jwt_issuer": ISSUER,
        "auth_jwt_audience": AUDIENCE,
        "auth_jwt_jwks": str(folder / "keys.json"),
    }


async def _begin(stubs: Stubs, sandbox: Sandbox) -> str:
    """Make what the messages name; answers the id of the link."""
    for name in ("ann", "ben"):
        await stubs.add_account(name)
    begun = await stubs.begin("ann", redirect_uri="http://127.0.0.1:9/back", select_primary=True)
    code = query_of(await sandbox.consent(begun.authorization_url, "ann@example.com"))["code"]
    link = await stubs.complete(begun.state, code)
    await stubs.add_page("page", ALL, "ann", "ann")
    return link.id


@asynccontextmanager
async def _server(environment: dict[str, str]) -> AsyncIterator[ServerProcess]:
    server = await ServerProcess.start(environment)
    try:
        yield server
    finally:
        await server.end()
