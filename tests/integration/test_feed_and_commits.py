"""The feed between a commit and the moment at which it is told of it: a snapshot may show more than the feed knows."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from calguard.v1 import watch_pb2
from calguard_server.domain.errors import OutOfRangeError
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.grpc_api.state_change import encode_snapshot
from calguard_server.watch.feed import Feed, FeedOptions
from calguard_server.watch.tokens import TokenMint
from tests.fakes.held_writer import COMMITTED, HeldWriter
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.service import Service, running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import middle


def feed_of(service: Service) -> Feed:
    feed = Feed(service.store, encode_snapshot, service.clock, middle, FeedOptions(), service.store.writer.revision)
    service.store.listen(feed.publish)
    return feed


async def add_page(service: Service, page_id: str) -> None:
    await service.add_page(page_id, SchedulingMode.ANY_MEMBER, "ann", "ann")


async def last_token(feed: Feed, spec: WatchSpec) -> str:
    """The token that ends what a watch begins with."""
    token = ""
    async with feed.open(spec) as messages:
        while not token:
            token = watch_pb2.WatchResponse.FromString(await anext(messages)).resume_token
    return token


def test_a_snapshot_of_what_the_feed_was_not_told_yet_is_gone_on_from(tmp_path: Path) -> None:
    """Its token is good at once: whoever comes back with it goes on after what the snapshot showed."""

    async def main() -> None:
        connections = HeldWriter()
        async with running_service(tmp_path / "db", clock=VirtualClock(), connections=connections) as service:
            await service.add_account("ann")
            feed = feed_of(service)
            connections.hold_next(COMMITTED)
            adding = asyncio.create_task(add_page(service, "shown"))
            await connections.held.wait()
            token = await last_token(feed, WatchSpec())
            adding_more = asyncio.create_task(add_page(service, "next"))
            asyncio.get_running_loop().call_later(1, connections.go_on.set)
            async with feed.open(WatchSpec(resume_token=token)) as messages:
                told = watch_pb2.WatchResponse.FromString(await anext(messages))
            await asyncio.gather(adding, adding_more)
            assert [change.booking_page.id for change in told.changes] == ["next"]

    run_virtually(main())


def test_a_token_of_what_was_never_committed_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_service(tmp_path / "db", clock=VirtualClock(), connections=InlineConnections()) as service:
            await service.add_account("ann")
            await add_page(service, "page")
            feed, spec = feed_of(service), WatchSpec()
            token = TokenMint(service.store.store_id, service.store.epoch, spec).make(2)
            with pytest.raises(OutOfRangeError) as refusal:
                await last_token(feed, replace(spec, resume_token=token))
            assert (refusal.value.reason, refusal.value.metadata) == ("TOKEN_FROM_FUTURE", {"latest_revision": "1"})

    run_virtually(main())
