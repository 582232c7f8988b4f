"""A process that the demonstration starts, and ends by its own id."""

import asyncio
import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from demo.claims import Mismatch
from demo.log import Log

START_SECONDS = 20
STOP_SECONDS = 8


class Child:
    """A running process whose output is kept, line by line."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Log) -> None:
        self.name = name
        self.lines: list[str] = []
        self._process = process
        self._log = log
        self._grown = asyncio.Condition()
        self._reading = asyncio.create_task(self._read(), name=f"output of {name}")

    @classmethod
    async def start(cls, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Log) -> Self:
        """Start a command of this project's environment, out of reach of the terminal's ctrl-C."""
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name(name)),
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def wait_for_line(self, part: str) -> str:
        """Answer the first line with that in it. Raises Mismatch where none comes in time, or the process ends."""
        try:
            async with asyncio.timeout(START_SECONDS), self._grown:
                await self._grown.wait_for(lambda: self._find(part) is not None or self._reading.done())
        except TimeoutError:
            self._complain(part, f"nothing like that within {START_SECONDS} s")
        if (line := self._find(part)) is None:
            self._complain(part, f"it ended with exit code {await self._process.wait()}")
        return line or ""

    def kill(self) -> None:
        """End it as `kill -9` does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def gone(self) -> int:
        """Wait until it has ended and all of its output is read; the exit code."""
        await self._reading
        return await self._process.wait()

    async def stop(self) -> None:
        """End it in order, or by force where that takes too long."""
        try:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.terminate()
            async with asyncio.timeout(STOP_SECONDS):
                await self.gone()
        except TimeoutError:
            self.kill()
            await self.gone()

    def _find(self, part: str) -> str | None:
        return next((line for line in self.lines if part in line), None)

    def _complain(self, part: str, seen: str) -> None:
        raise Mismatch(f"{self.name} starts", f"a line with `{part}` in it", [seen, *self.lines[-5:]])

    async def _read(self) -> None:
        output = self._process.stdout
        while output is not None and (line := await output.readline()):
            await self._keep(line.decode(errors="replace").rstrip("\n"))
        async with self._grown:
            self._grown.notify_all()

    async def _keep(self, line: str) -> None:
        self._log.add(line)
        async with self._grown:
            self.lines.append(line)
            self._grown.notify_all()
