"""The whole matrix: every RPC, by every role, without limits, for its own account and for another's."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc.aio
import pytest

from calguard_client.refusal import Refusal
from calguard_server.auth.callers import Role
from calguard_server.grpc_api.roles import ROLE_OF
from calguard_server.grpc_api.scopes import RULE_OF
from tests.e2e.backend import Backend, running_backend
from tests.e2e.bearer import ADMIN, KNOWN, line, overwrite
from tests.e2e.methods import METHODS
from tests.e2e.scope_rows import ROWS, Kind
from tests.e2e.scope_world import GONE, World, make_world

SCOPED = {role: f"token-of-a-scoped-{role.word}" for role in Role}
PLAIN = {role: f"token-of-{'an' if role is Role.ADMIN else 'a'}-{role.word}" for role in Role}
Told = tuple[str, str, str]
"""A status, a reason and a text."""
REACHED = ("OK", "ABORTED", "ALREADY_EXISTS", "FAILED_PRECONDITION")


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    path = tmp_path / "callers"
    scoped = [line(f"limited-{role.word}", role.word, token, accounts="ann") for role, token in SCOPED.items()]
    overwrite(path, *KNOWN, *scoped)
    async with running_backend(tmp_path, ADMIN, auth_tokens_file=str(path), drain_timeout="0s") as running:
        yield running


class Callers:
    """A connection for each caller, and what it is answered."""

    def __init__(self, backend: Backend, stack: AsyncExitStack) -> None:
        self._backend = backend
        self._stack = stack
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def call(self, token: str, method: str, world: World, *, ticking: bool = False) -> tuple[Told, bytes]:
        """What a call answers in a world: how it ended, and the bytes of the answer; time may move on meanwhile."""
        if token not in self._channels:
            self._channels[token] = await self._stack.enter_async_context(self._backend.open_channel(token))
        raw = ROWS[method].request(world).SerializeToString()
        try:
            answer = METHODS[method].call_raw(self._channels[token], raw)
            return ("OK", "", ""), await (self._backend.ticking(answer) if ticking else answer)
        except grpc.aio.AioRpcError as error:
            refusal = Refusal.of(error)
            return (refusal.code.name, refusal.reason, refusal.message), b""


def test_every_method_has_a_row() -> None:
    """Here, in the table of roles and in that of scopes: nobody decides by leaving one out."""
    assert set(ROWS) == set(METHODS)
    assert set(RULE_OF) == set(ROLE_OF)
    assert {method.path: ROWS[name].role for name, method in METHODS.items()} == {
        path: role for path, role in ROLE_OF.items() if path.startswith("/calguard.")
    }


async def test_the_whole_matrix(backend: Backend) -> None:
    """What is refused is refused before anything is done; another's is told of as what does not exist is."""
    ann, ben = await make_world(backend, "ann", 2), await make_world(backend, "ben", 4)
    async with AsyncExitStack() as stack:
        callers = Callers(backend, stack)
        before = backend.rows("SELECT (SELECT MAX(revision) FROM events), (SELECT SUM(changed) FROM deliveries)")
        for method in METHODS:
            await refuse_who_may_not(callers, method, ann, ben)
        after = backend.rows("SELECT (SELECT MAX(revision) FROM events), (SELECT SUM(changed) FROM deliveries)")
        assert after == before
        for method in METHODS:
            await let_in_who_may(callers, method, ann, ben)


async def refuse_who_may_not(callers: Callers, method: str, ann: World, ben: World) -> None:
    row = ROWS[method]
    for world in (ann, ben):
        assert (await callers.call("", method, world))[0][:2] == ("UNAUTHENTICATED", "TOKEN_MISSING"), method
        for role in (each for each in Role if each < row.role):
            for token in (PLAIN[role], SCOPED[role]):
                told, _ = await callers.call(token, method, world)
                assert told[:2] == ("PERMISSION_DENIED", "ROLE_TOO_SMALL"), (method, role)
    for role in (each for each in Role if each >= row.role):
        if row.kind is Kind.OPERATOR:
            told, _ = await callers.call(SCOPED[role], method, ann)
            assert told[:2] == ("PERMISSION_DENIED", "SCOPE_TOO_SMALL"), (method, role)
        elif row.kind is Kind.NAMES:
            told, _ = await callers.call(SCOPED[role], method, ben)
            missing, _ = await callers.call(SCOPED[role], method, GONE)
            assert told[:2] == missing[:2], (method, role)
            assert told[0] == ("INVALID_ARGUMENT" if method == "CompleteCalendarLink" else "NOT_FOUND"), (method, role)
            assert renamed(told[2], ben) == missing[2], (method, role)


async def let_in_who_may(callers: Callers, method: str, ann: World, ben: World) -> None:
    row = ROWS[method]
    for role in (each for each in Role if each >= row.role):
        if row.kind is Kind.LISTS:
            _, all_there_is = await callers.call(PLAIN[role], method, ann)
            _, seen = await callers.call(SCOPED[role], method, ann)
            assert b"ann" in all_there_is
            assert b"ben" in all_there_is
            assert b"ann" in seen, (method, role)
            assert not [each for each in ("ben", *ben.ids.values()) if each.encode() in seen], (method, role)
            continue
        told, _ = await callers.call(PLAIN[role], method, ben, ticking=True)
        if row.kind is Kind.OPERATOR:
            assert told[0] not in ("UNAUTHENTICATED", "PERMISSION_DENIED"), (method, role)
            continue
        assert told[0] in REACHED, (method, role, told)
        told, _ = await callers.call(SCOPED[role], method, ann, ticking=True)
        assert told[0] in REACHED, (method, role, told)


def renamed(text: str, world: World) -> str:
    """A text as it would be of what does not exist."""
    for kind, known in sorted(world.ids.items(), key=lambda named: -len(named[1])):  # one id may hold another
        text = text.replace(known, GONE.ids[kind])
    return text
