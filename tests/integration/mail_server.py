"""A mail server that keeps a record of each connection, and says otherwise, or hangs up, where a test wants it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HANG_UP = b""
"""Not an answer: the connection is closed."""

_USUAL = {
    "EHLO": b"250 mail.example\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 taken\r\n",
    "QUIT": b"221 bye\r\n",
}


@dataclass(eq=False)
class Session:
    """A connection: the commands and contents that came over it; `contents` are those that were taken."""

    writer: asyncio.StreamWriter
    commands: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    all_contents: list[bytes] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, verb: str) -> int:
        return sum(command.startswith(verb) for command in self.commands)

    async def hang_up(self, last_words: bytes = b"") -> None:
        """Close it while the client says nothing."""
        self.writer.write(last_words)
        self.writer.close()
        await self.over.wait()


Say = Callable[[Session, str], bytes | None]
"""What is said to a command, the content's end (`.`) too; None: the usual."""


class MailServer:
    """Takes every message, unless `say` says otherwise."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.sessions: list[Session] = []
        self.most_open = 0
        self.url = ""

    @property
    def contents(self) -> list[bytes]:
        return [content for session in self.sessions for content in session.contents]

    @property
    def open(self) -> list[Session]:
        return [session for session in self.sessions if not session.over.is_set()]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(writer)
        self.sessions.append(session)
        self.most_open = max(self.most_open, len(self.open))
        writer.write(b"220 hello\r\n")
        try:
            with suppress(ConnectionError, EOFError):
                while line := await reader.readline():
                    if not await self._answer(session, line.decode().strip(), reader):
                        break
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        finally:
            session.over.set()

    async def _answer(self, session: Session, command: str, reader: asyncio.StreamReader) -> bool:
        session.commands.append(command)
        answer = self._reply(session, command)
        if command == "DATA" and answer.startswith(b"354"):
            content = await reader.readuntil(b"\r\n.\r\n")
            session.all_contents.append(content)
            answer = self._reply(session, ".")
            if answer.startswith(b"250"):
                session.contents.append(content)
        return answer != HANG_UP and command != "QUIT"

    def _reply(self, session: Session, command: str) -> bytes:
        said = self._say(session, command)
        answer = _USUAL.get(command.partition(" ")[0], b"250 ok\r\n") if said is None else said
        session.writer.write(answer)
        return answer


@asynccontextmanager
async def mail_server(say: Say = lambda _session, _command: None) -> AsyncIterator[MailServer]:
    made = MailServer(say)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?starttls=off"
        yield made
        for session in made.open:
            session.writer.close()
            await session.over.wait()
