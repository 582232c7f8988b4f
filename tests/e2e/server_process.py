"""A real `calguard-server`, as a process of its own that can be stopped, killed and started again."""

import asyncio
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.leaks import emitted
from tests.patience import PATIENCE_SECONDS

COMMAND = Path(sys.executable).parent / "calguard-server"
_LISTENING = re.compile(r"listening on (\S+):(\d+)")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CALGUARD_")}


def _command_line(pid: int) -> str:
    """What every user of the machine can read of a process; of one that has ended, nothing."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


class EndedError(Exception):
    """The server ended before it listened; the text is what it complained of."""


class ServerProcess:
    """Started by `start`; what it prints is read all the time, so that it never waits for a reader."""

    def __init__(self, process: asyncio.subprocess.Process, *, shows_secrets: bool = False) -> None:
        self._process = process
        self._shows_secrets = shows_secrets
        self._output: list[str] = []
        self._errors: list[str] = []
        self._grown = asyncio.Event()
        self._readers = [
            asyncio.ensure_future(self._read(process.stdout, self._output)),
            asyncio.ensure_future(self._read(process.stderr, self._errors)),
        ]
        for reader in self._readers:
            reader.add_done_callback(lambda _: self._grown.set())

    @classmethod
    async def start(
        cls,
        environment: Mapping[str, str],
        *arguments: str,
        file_size_limit: int = 0,
        command: Sequence[str] = (str(COMMAND),),
    ) -> "ServerProcess":
        """Start a server. With a limit no file of its can grow beyond so many bytes, as if the disk were full."""

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit fails; it does not kill
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))

        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments,
            env=ENVIRONMENT | dict(environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=limit if file_size_limit else None,
        )
        emitted("a command line", _command_line(process.pid))
        return cls(process, shows_secrets=arguments[:1] == ("new-token",))

    async def _read(self, stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        while line := await stream.readline():
            lines.append(line.decode())
            self._grown.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def printed(self) -> str:
        return "".join(self._output)

    @property
    def complaints(self) -> str:
        return "".join(self._errors)

    @property
    def events(self) -> list[dict[str, object]]:
        """The lines of the log."""
        return [json.loads(line) for line in self._output]

    async def port(self) -> int:
        """The port, once it listens. Raises EndedError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                self._grown.clear()
                if found := _LISTENING.search(self.printed):
                    return int(found[2])
                if all(reader.done() for reader in self._readers):
                    raise EndedError(self.complaints)
                await self._grown.wait()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end in good order."""
        self.send(signal.SIGTERM)

    async def until(self, text: str) -> None:
        """Return once it has printed a text. Raises EndedError where it ends before that."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.printed:
                self._grown.clear()
                if all(reader.done() for reader in self._readers):
                    raise EndedError(self.complaints)
                await self._grown.wait()

    async def gone(self) -> None:
        """Return when it has ended, however long that takes."""
        await self._process.wait()

    async def ended(self) -> int:
        """Its exit code, once it has ended and all that it printed is read."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            code = await self._process.wait()
            await asyncio.gather(*self._readers)
        if not self._shows_secrets:
            emitted("a server's standard output", self.printed)
            emitted("a server's standard error", self.complaints)
        return code

    def kill(self) -> None:
        """End it without a warning, if it still runs."""
        if self._process.returncode is None:
            self.send(signal.SIGKILL)

    async def end(self) -> None:
        """End it at the end of a test, which shows what it said where it failed."""
        self.kill()
        await self.ended()
        if not self._shows_secrets:
            sys.stdout.write(self.printed + self.complaints)
