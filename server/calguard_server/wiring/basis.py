"""What the parts are built on: the settings, the world, the store, and what measures and closes them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from prometheus_client import CollectorRegistry

from calguard_server.engine.tracing import Tracer
from calguard_server.grpc_api.state_change import encode_change
from calguard_server.settings.server import Settings
from calguard_server.store.sqlite.opening import StoreOptions, open_store
from calguard_server.store.sqlite.store import SqliteStore
from calguard_server.store.vault import Vault
from calguard_server.telemetry.commits import CommitMetrics
from calguard_server.wiring.world import World

Closers = list[Callable[[], Awaitable[object]]]
"""What closes the parts that were opened, the last first."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What every part may be built on. The session and the store are closed by whoever opened them."""

    settings: Settings
    world: World
    registry: CollectorRegistry
    tracer: Tracer
    session: aiohttp.ClientSession
    store: SqliteStore
    closers: Closers


def open_session() -> aiohttp.ClientSession:
    """Open what calls Google and Slack.

    How many calls are made at once is bounded by their makers: a wait for a connection would count as silence.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())


async def open_server_store(
    settings: Settings, world: World, registry: CollectorRegistry, tracer: Tracer
) -> SqliteStore:
    """Open the database, with its commits counted. Raises StoreError."""
    options = StoreOptions(
        settings.database_path,
        Vault(settings.keys),
        encode_change,
        world.clock,
        world.new_id,
        observe=CommitMetrics(registry).committed,
        tracer=tracer,
        accept_lost_keys=settings.accept_lost_keys,
        lock_patience=world.lock_patience,
    )
    return await open_store(options)
