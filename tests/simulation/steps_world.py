"""What happens around the server: faults at Google, moods of the receivers, time, and watchers."""

from datetime import timedelta

from calguard_server.domain.causes import Capability, CauseReason, Finding
from tests.simulation.google import GoogleAccount
from tests.simulation.receivers import MOODS
from tests.simulation.steps_links import check
from tests.simulation.world import World

_OF_CHECKED = (CauseReason.CALENDAR_NOT_VISIBLE,)
_OF_ADDED = (CauseReason.ADD_CALENDAR_NOT_VISIBLE, CauseReason.CALENDAR_READ_ONLY)
_MAY_PASS = (
    CauseReason.PROVIDER_UNAVAILABLE,
    CauseReason.NETWORK_ERROR,
    CauseReason.ACCESS_FORBIDDEN,
    CauseReason.RATE_LIMITED,
)
_MET_BY_ALL = (
    CauseReason.PROVIDER_UNAVAILABLE,
    CauseReason.PROVIDER_UNAVAILABLE,
    CauseReason.NETWORK_ERROR,
    CauseReason.ACCESS_FORBIDDEN,
    CauseReason.AUTHORIZATION_REVOKED,
    CauseReason.SESSION_POLICY,
    CauseReason.RATE_LIMITED,
)
_NEVER_MET = (CauseReason.SELECTION_MISSING,)
"""What no probe finds: it is known without asking."""


async def set_fault(world: World) -> None:
    """Something goes wrong with a Google account: always, or now and then."""
    random = world.random
    linked = sorted({link.subject for link in world.model.links.known.values() if link.state != "STOPPED"})
    subject = random.choice(linked) if linked and random.random() < 0.95 else f"{random.choice(world.names)}-1"
    account = world.google.account(subject)
    findings = [_drawn(world, account.subject) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    chance = random.choice((1.0, 1.0, 1.0, 0.5))
    if random.random() < 0.1:
        findings, chance = _one_or_the_other(subject), 0.6
    account.faults = [(finding, chance) for finding in findings]
    world.note(f"fault {account.subject} {[_short(finding) for finding in findings]} chance {chance}")
    world.tally["fault set"] += 1
    await _notice(world, account)


async def clear_fault(world: World) -> None:
    """Something is in order again."""
    faulty = [account for account in world.google.accounts.values() if account.faults]
    if faulty:
        account = world.random.choice(faulty)
        account.faults = []
        world.note(f"no fault {account.subject}")
        world.tally["fault cleared"] += 1
        await _notice(world, account)


def _one_or_the_other(subject: str) -> list[Finding]:
    """What is to be confirmed, and may not be: the second probe may meet another one."""
    gone = CauseReason.CALENDAR_NOT_VISIBLE
    return [
        Finding(CauseReason.AUTHORIZATION_REVOKED),
        Finding(gone, f"primary-{subject}"),
        Finding(gone, f"work-{subject}"),
    ]


async def outage(world: World) -> None:
    """Most Google accounts meet the same trouble at once."""
    random = world.random
    reason = random.choice(_MET_BY_ALL)
    share = random.choice((1.0, 0.8, 0.5))
    subjects = sorted({link.subject for link in world.model.links.known.values()})
    met = [subject for subject in subjects if random.random() < share]
    for subject in met:
        world.google.account(subject).faults = [(Finding(reason), 1.0)]
    world.note(f"{len(met)} of {len(subjects)} Google accounts meet {reason}")
    world.tally[f"outage {reason}"] += 1
    await world.pass_time(timedelta(seconds=random.uniform(1, 1200)))


async def outage_over(world: World) -> None:
    """All Google accounts are in order again."""
    for account in world.google.accounts.values():
        account.faults = []
    world.note("every Google account is in order")
    await world.pass_time(timedelta(seconds=world.random.uniform(1, 1200)))


async def _notice(world: World, account: GoogleAccount) -> None:
    """Half of the time somebody has the link checked at once; else it is found out when the next check is due."""
    links = sorted(link.id for link in world.model.links.known.values() if link.subject == account.subject)
    if links and world.random.random() < 0.5:
        await check(world, links[0])


def _drawn(world: World, subject: str) -> Finding:
    random = world.random
    reason = random.choice([each for each in CauseReason if each not in _NEVER_MET])
    if random.random() < 0.4:
        reason = random.choice((CauseReason.AUTHORIZATION_REVOKED, CauseReason.PROVIDER_UNAVAILABLE))
    wait = timedelta(seconds=random.randrange(1, 2400)) if reason in _MAY_PASS and random.random() < 0.3 else None
    if reason in _OF_CHECKED:
        return Finding(reason, f"{random.choice(('primary', 'work', 'holidays'))}-{subject}")
    if reason in _OF_ADDED:
        return Finding(reason, f"{random.choice(('primary', 'work'))}-{subject}")
    if reason is CauseReason.SCOPE_MISSING:
        return Finding(reason, capability=random.choice(tuple(Capability)))
    concerns_adding = reason in _MAY_PASS and random.random() < 0.3
    return Finding(reason, capability=Capability.ADD if concerns_adding else None, retry_after=wait)


async def pass_time(world: World) -> None:
    """Seconds to hours go by; what falls due meanwhile is done."""
    random = world.random
    seconds = random.choices(
        (random.uniform(0, 5), random.uniform(5, 60), random.uniform(60, 1500), random.uniform(1500, 9000)),
        (30, 30, 32, 8),
    )[0]
    world.note(f"time passes: {seconds:.1f} s")
    world.tally["minutes passed"] += round(seconds / 60)
    await world.pass_time(timedelta(seconds=seconds))


async def change_mood(world: World) -> None:
    """A receiver begins to fail, to refuse, or to work again."""
    receiver = world.random.choice(list(world.receivers))
    mood = world.random.choices(list(MOODS), (5, 4, 3, 1))[0]
    world.receivers[receiver].mood = mood
    world.note(f"{receiver} is {mood}")


async def bother_watcher(world: World) -> None:
    """A watcher loses its connection, or everything, or comes back."""
    mirror = world.random.choice(world.mirrors)
    if not mirror.watches:
        mirror.watch(world.server.feed)
        return
    await mirror.look_away()
    if world.random.random() < 0.3:
        mirror.forget()
    if world.random.random() < 0.5:
        mirror.watch(world.server.feed)


def _short(finding: Finding) -> str:
    parts = (finding.reason.value, finding.calendar_id, finding.capability or "", finding.retry_after or "")
    return " ".join(str(part) for part in parts if part)
