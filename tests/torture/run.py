"""One run: everything at once until enough was changed, then everybody catches up, and all is compared."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import watch_pb2 as watch_pb
from calguard_sandbox import Sandbox, SandboxOptions
from tests.crash.battered import BatteredServer, battered_server
from tests.e2e.backend import settings_for
from tests.torture.oracle import Filter, Key, comparable, told_by
from tests.torture.subscriber import Subscriber
from tests.torture.writers import CalendarBreaker, PageWriter, keep

_ACCOUNTS = [f"account-{number}" for number in range(40)]
_CONNECTED = _ACCOUNTS[:6]
_LINKS, _PAGES = watch_pb.RESOURCE_KIND_CALENDAR_LINK, watch_pb.RESOURCE_KIND_BOOKING_PAGE


@dataclass(frozen=True)
class Size:
    """How much is done at least. `gap`: between how many observations (calls, messages) the server is killed."""

    changes: int
    kills: int
    writers: int
    subscribers: int
    gap: tuple[int, int]


async def torture(folder: Path, seed: int, size: Size, tell: Callable[[str], None]) -> Counter[str]:
    """Play a run; answers what happened. Raises AssertionError where a copy, or the log, is not as it must be."""
    chance = random.Random(seed)
    database = folder / "calguard.db"
    async with Sandbox(SandboxOptions(seed="torture")) as sandbox:
        settings = settings_for(sandbox, database) | {"check_interval": "1d", "progress_interval": "2s"}
        environment = {f"CALGUARD_{name.upper()}": value for name, value in settings.items()}
        async with battered_server(environment, database, sandbox, chance.getrandbits(32), size.gap) as server:
            await server.watching()
            breaker = CalendarBreaker(server, sandbox, _CONNECTED, _fork(chance))
            await _begin(server, breaker)
            subscribers = [_subscriber(server, number, chance) for number in range(size.subscribers)]
            server.arm()
            await _change(server, breaker, subscribers, size, chance, tell)
            server.disarm()
            tell(f"{len(server.watched)} changes, {server.kills} kills; everybody catches up")
            await asyncio.gather(*(subscriber.catch_up() for subscriber in subscribers))
            await _compare(server, subscribers)
            tally = Counter({"changes": len(server.watched), "kills": server.kills})
            for subscriber in subscribers:
                tally.update(subscriber.tally)
            return tally


async def _begin(server: BatteredServer, breaker: CalendarBreaker) -> None:
    for account_id in _ACCOUNTS:
        account = accounts_pb.Account(id=account_id, display_name=account_id)
        request = accounts_pb.CreateAccountRequest(account=account)
        await server.call(lambda stubs: stubs.accounts.CreateAccount(request))  # noqa: B023 - awaited here
    await breaker.begin()


async def _change(
    server: BatteredServer,
    breaker: CalendarBreaker,
    subscribers: list[Subscriber],
    size: Size,
    chance: random.Random,
    tell: Callable[[str], None],
) -> None:
    def enough() -> bool:
        return len(server.watched) >= size.changes and server.kills >= size.kills

    writers = [PageWriter(server, number, _ACCOUNTS, _fork(chance)) for number in range(size.writers)]
    watching = [asyncio.create_task(subscriber.run()) for subscriber in subscribers]
    telling = asyncio.create_task(_tell_now_and_then(server, tell))
    try:
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(keep(writer.change, enough))
            group.create_task(keep(breaker.change, enough))
    finally:
        for task in (*watching, telling):
            task.cancel()
        ended = await asyncio.gather(*watching, telling, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome


async def _tell_now_and_then(server: BatteredServer, tell: Callable[[str], None]) -> None:
    told = 0
    while True:
        await server.call(lambda stubs: stubs.notifications(), observed=False)
        if len(server.watched) >= told + 5_000:
            told = len(server.watched)
            tell(f"{told} changes, {server.kills} kills")


async def _compare(server: BatteredServer, subscribers: list[Subscriber]) -> None:
    links = await server.call(lambda stubs: stubs.all_links())
    pages = await server.call(lambda stubs: stubs.all_pages())
    latest = max(resource.revision for resource in (*links, *pages))
    await server.watched_up_to(latest)
    revisions = [change.revision for change in server.watched]
    assert revisions == list(range(1, len(revisions) + 1)), "the whole log has a hole, or is out of order"
    there: dict[Key, object] = {("calendar_link", each.id): comparable(each) for each in links}
    there |= {("booking_page", each.id): comparable(each) for each in pages}
    for subscriber in subscribers:
        passing = {key: each for key, each in there.items() if subscriber.filter.passes(key[0], each)}
        assert subscriber.copy.held == passing, f"the copy of {subscriber.filter} is not what the store holds"
        if not subscriber.latest:
            expected = list(told_by(server.watched, subscriber.filter))
            told = subscriber.copy.told
            assert told == expected[len(expected) - len(told) :], f"{subscriber.filter} was not told every change once"


def _subscriber(server: BatteredServer, number: int, chance: random.Random) -> Subscriber:
    """The first two watch everything, one in each mode; the others what chance chooses."""
    if number < 2:
        return Subscriber(server, Filter(), latest=number == 1, chance=_fork(chance))
    narrowed = chance.choice(
        (
            Filter(account_ids=tuple(chance.sample(_ACCOUNTS, chance.randint(1, 5)))),
            Filter(account_ids=tuple(chance.sample(_ACCOUNTS, 2)), kinds=(_PAGES,)),
            Filter(booking_page_ids=tuple(f"page-{chance.randrange(8)}-{each}" for each in range(3))),
            Filter(kinds=(chance.choice((_LINKS, _PAGES)),)),
        )
    )
    return Subscriber(server, narrowed, latest=chance.random() < 0.4, chance=_fork(chance))


def _fork(chance: random.Random) -> random.Random:
    return random.Random(chance.getrandbits(64))
