"""An outage of Google, over real HTTP: nothing stops, the operator is told once, and once when it is over."""

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2, provider_pb2, provider_pb2_grpc, watch_pb2
from tests.e2e.backend import OPERATOR, Backend
from tests.e2e.stubs import ALL

DEGRADED = links_pb.CALENDAR_LINK_STATE_DEGRADED
FAILED = links_pb.CALENDAR_LINK_STATE_FAILED
LINKED = links_pb.CALENDAR_LINK_STATE_LINKED
COUNT = 12


async def status_of(backend: Backend) -> provider_pb2.ProviderStatus:
    stub = provider_pb2_grpc.ProviderServiceStub(backend.channel)  # type: ignore[no-untyped-call]
    answer: provider_pb2.GetProviderStatusResponse = await stub.GetProviderStatus(
        provider_pb2.GetProviderStatusRequest()
    )
    return answer.provider_status


async def linked(backend: Backend) -> list[links_pb.CalendarLink]:
    links = []
    for number in range(COUNT):
        name = f"a{number}"
        backend.sandbox.google.add_user(f"{name}@example.com")
        backend.sandbox.slack.add_user(f"{name}@example.com")
        await backend.add_account(name)
        links.append(await backend.link(name))
        await backend.add_page(f"page-{number}", ALL, name, name)
    return links


async def check_all(backend: Backend, links: list[links_pb.CalendarLink]) -> list[int]:
    return [(await backend.check(link.id)).state for link in links]


async def pass_minutes(backend: Backend, links: list[links_pb.CalendarLink], minutes: int) -> None:
    """Let that much time pass, checking every link every other minute."""
    for _ in range(minutes // 2):
        await backend.pass_time(minutes=2)
        await check_all(backend, links)


async def until_operational(backend: Backend, links: list[links_pb.CalendarLink]) -> None:
    while (await status_of(backend)).state != provider_pb2.PROVIDER_STATE_OPERATIONAL:
        await pass_minutes(backend, links, 2)


async def test_an_outage_from_its_beginning_to_its_end(backend: Backend) -> None:
    """503 for all, past every threshold; one grant is revoked meanwhile, and fails when its token is renewed."""
    links = await linked(backend)
    assert (await status_of(backend)).revision == 0
    watcher = backend.watch()
    assert not any(change.HasField("provider_status") for change in await watcher.snapshot())

    backend.sandbox.fault("api/backendError")
    assert set(await check_all(backend, links)) == {DEGRADED}
    status = await status_of(backend)
    assert status.state == provider_pb2.PROVIDER_STATE_INCIDENT
    [incident] = status.incidents
    assert incident.reason == cause_pb2.CAUSE_REASON_PROVIDER_UNAVAILABLE
    assert incident.accounts_affected == 10
    change = await watcher.until(lambda change: change.HasField("provider_status"))
    assert change.previous_provider_state == provider_pb2.PROVIDER_STATE_OPERATIONAL
    assert change.provider_status == status

    backend.sandbox.google.revoke("a3@example.com")
    await pass_minutes(backend, links, 64)
    assert await check_all(backend, links) == [FAILED if number == 3 else DEGRADED for number in range(COUNT)]
    stopped = [number for number in range(COUNT) if not (await backend.page(f"page-{number}")).accepting]
    assert stopped == [3]
    heard = await backend.heard_since_settled()
    assert {to for _, to, _ in heard} == {OPERATOR, "ops", "a3@example.com"}
    assert [channel for channel, to, _ in heard if to in (OPERATOR, "ops")] == ["EMAIL", "SLACK"]

    await backend.restart()
    assert await status_of(backend) == status
    fresh = backend.watch(kinds=[watch_pb2.RESOURCE_KIND_PROVIDER_STATUS])
    [known] = await fresh.snapshot()
    assert known.provider_status == status

    backend.sandbox.faults.clear()
    await until_operational(backend, links)
    assert await check_all(backend, links) == [FAILED if number == 3 else LINKED for number in range(COUNT)]
    over = await fresh.until(lambda change: change.HasField("provider_status"))
    assert over.previous_provider_state == provider_pb2.PROVIDER_STATE_INCIDENT
    assert over.provider_status.incidents[0].HasField("end_time")
    heard = await backend.heard_since_settled()
    assert [(channel, to) for channel, to, _ in heard] == [("EMAIL", OPERATOR), ("SLACK", "ops")]
    assert (await backend.page("page-3")).state == pages_pb.BOOKING_PAGE_STATE_STOPPED
