"""What an operator does: a server as a process of its own before a sandbox, and the commands run beside it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
from cryptography.fernet import Fernet

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_sandbox import Sandbox, SandboxOptions
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import Stubs, query_of

_BACK = "http://127.0.0.1:9/back"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, its standard output and its standard error."""

    code: int
    printed: str
    said: str


@dataclass
class Operation:
    """`environment` is that of the next process; the database is in `folder`."""

    folder: Path
    sandbox: Sandbox
    environment: dict[str, str]
    _servers: list[ServerProcess] = field(default_factory=list)
    _channels: list[grpc.aio.Channel] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "calguard.db"

    def set(self, **settings: str) -> None:
        """Change settings for what is started from now on; empty ones are left out."""
        for name, value in settings.items():
            self.environment.pop(f"CALGUARD_{name.upper()}", None)
            if value:
                self.environment[f"CALGUARD_{name.upper()}"] = value

    async def launch(self, *arguments: str, **settings: str) -> ServerProcess:
        """Start a process, and leave it to the test; it is ended with it."""
        given = {f"CALGUARD_{name.upper()}": value for name, value in settings.items()}
        self._servers.append(await ServerProcess.start(self.environment | given, *arguments))
        return self._servers[-1]

    async def run(self, *arguments: str, **settings: str) -> Ended:
        """Run a command to its end."""
        process = await self.launch(*arguments, **settings)
        code = await process.ended()
        assert "Traceback" not in process.printed + process.complaints
        return Ended(code, process.printed, process.complaints)

    async def serve(self) -> "Serving":
        """Start a server, and wait until it listens."""
        process = await self.launch()
        self._channels.append(grpc.aio.insecure_channel(f"127.0.0.1:{await process.port()}"))
        return Serving(process, Stubs(self._channels[-1]))

    async def link(self, stubs: Stubs, account_id: str, link_id: str = "") -> links_pb.CalendarLink:
        """Link a Google account as a person does, with a browser that this is."""
        begun = await stubs.begin(account_id, calendar_link_id=link_id, redirect_uri=_BACK, select_primary=True)
        code = query_of(await self.sandbox.consent(begun.authorization_url, f"{account_id}@example.com"))["code"]
        return await stubs.complete(begun.state, code)

    async def end(self) -> None:
        for channel in self._channels:
            await channel.close()
        for server in self._servers:
            await server.end()


@dataclass
class Serving:
    """A server that listens."""

    process: ServerProcess
    stubs: Stubs

    async def stop(self) -> int:
        """End it in good order; its exit code."""
        self.process.terminate()
        return await self.process.ended()


def new_key() -> str:
    return Fernet.generate_key().decode()


def on(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """An environment with a database in a folder, and any free ports."""
    return {
        "CALGUARD_LISTEN": "127.0.0.1:0",
        "CALGUARD_HTTP_LISTEN": "127.0.0.1:0",
        "CALGUARD_DATABASE_URL": f"sqlite:///{folder}/calguard.db",
        "CALGUARD_DRAIN_TIMEOUT": "1s",
        **settings,
    }


@asynccontextmanager
async def operating(folder: Path, **sandbox_options: str) -> AsyncIterator[Operation]:
    """Start a sandbox; servers are the test's to start, and none is left at the end."""
    async with Sandbox(SandboxOptions(seed="operating", **sandbox_options)) as sandbox:  # type: ignore[arg-type]
        settings = sandbox.server_environment() | {"CALGUARD_TOKEN_KEYS": new_key()}
        operation = Operation(folder, sandbox, on(folder, settings))
        try:
            yield operation
        finally:
            await operation.end()
