"""What callers of one group hear, and when: nothing that a crash could still take back."""

import asyncio
from pathlib import Path

import pytest

from calguard_server.domain.errors import AlreadyExistsError
from calguard_server.engine.requests import ReplayedError, Request
from tests.fakes.held_writer import COMMITTED, DECIDED, HeldWriter
from tests.fakes.service import make_account, running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually

REQUEST = Request("request-1", "the same call", lambda account: account.id.encode())


@pytest.mark.parametrize("pause", [DECIDED, COMMITTED])
@pytest.mark.parametrize(
    ("requests", "expected"),
    [((REQUEST, REQUEST), ReplayedError), ((None, None), AlreadyExistsError)],
    ids=["a request that is repeated at once", "a refusal that rests on another's change"],
)
def test_nobody_hears_of_what_is_not_committed(
    tmp_path: Path, pause: int, requests: tuple[Request | None, Request | None], expected: type[Exception]
) -> None:
    """Of two calls that are decided together the second rests on the first: it is told with it, after the commit."""

    async def main() -> None:
        connections = HeldWriter()
        async with running_service(tmp_path / "db", clock=VirtualClock(), connections=connections) as service:
            connections.hold_next(pause)
            first, second = (
                asyncio.create_task(service.accounts.create(make_account("ann"), request)) for request in requests
            )
            await connections.held.wait()
            assert not first.done()
            assert not second.done()
            connections.go_on.set()
            assert (await first).id == "ann"
            with pytest.raises(expected):
                await second

    run_virtually(main())
