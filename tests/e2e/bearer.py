"""Calls with a token, and the files that servers know tokens by."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc.aio


class _Carrying:
    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def _add(self, details: Any) -> Any:  # noqa: ANN401 - a named tuple of gRPC's
        return details._replace(metadata=grpc.aio.Metadata(*(details.metadata or ()), self._header))


class _OneAnswer(_Carrying, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:  # noqa: ANN401
        return await continuation(self._add(details), request)


class _Answers(_Carrying, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:  # noqa: ANN401
        return await continuation(self._add(details), request)


def carrying(token: str) -> Sequence[grpc.aio.ClientInterceptor]:
    """What a channel is opened with whose calls carry a token."""
    return _OneAnswer(token), _Answers(token)


def line(name: str, role: str, token: str, expires: str = "", accounts: str = "") -> str:
    """A line of a file of tokens."""
    ends = (f" expires={expires}" if expires else "") + (f" accounts={accounts}" if accounts else "")
    return f"{name} {role} sha256:{hashlib.sha256(token.encode()).hexdigest()}{ends}"


ADMIN, WRITER, READER, STRANGER = "token-of-an-admin", "token-of-a-writer", "token-of-a-reader", "token-of-a-stranger"
KNOWN = (line("ops", "admin", ADMIN), line("booking", "writer", WRITER), line("dashboard", "reader", READER))


def replace(path: Path, *lines: str) -> None:
    """Put a file in place of another by renaming it, so that nobody sees half of it."""
    beside = path.with_name("beside")
    overwrite(beside, *lines)
    beside.replace(path)


def overwrite(path: Path, *lines: str) -> None:
    """Write into the file that is there."""
    path.write_text("".join(f"{each}\n" for each in lines))


def remove(path: Path) -> None:
    """Take the file away."""
    path.unlink()


def spoil(path: Path, how: str) -> None:
    """Have a file be of no use."""
    match how:
        case "bad line":
            replace(path, *KNOWN[:2], f"dashboard reader {READER}")
        case "gone":
            path.unlink()
        case "a folder":
            path.unlink()
            path.mkdir()
        case _:
            raise ValueError(how)


def mend(path: Path) -> None:
    """Put a good file in the place of whatever is there."""
    if path.is_dir():
        path.rmdir()
    replace(path, *KNOWN)
