"""What happens to accounts."""

from typing import Any

from calguard_server.domain.account import Account, Channel, LinkAlerts, Locale, SlackAddress
from calguard_server.domain.etags import etag_of
from calguard_server.engine.requests import Request
from calguard_server.engine.revoking import Revocation
from tests.fakes.service import make_account
from tests.fakes.virtual_server import Server
from tests.simulation.asking import ask, request_id
from tests.simulation.people import Person
from tests.simulation.plain import Slack
from tests.simulation.wishes import Wish
from tests.simulation.world import World


async def create_account(world: World, name: str = "") -> None:
    """Somebody new; sometimes there is one of that name already."""
    name = name or world.random.choice(world.names)
    person = _drawn(world, name)
    account = make_account(name, **_values(person))

    async def create(server: Server, request: Request | None) -> Account:
        return await server.engine.accounts.create(account, request)

    await ask(world, Wish("account.create", name, world.now, {"person": person}), create, request_id=request_id(world))


async def update_account(world: World) -> None:
    """Another address, name, language or wish, often of somebody who is about to be told something.

    Sometimes by somebody who read it before it was changed.
    """
    waiting = world.ledger.waiting()
    name = world.random.choice(waiting if waiting and world.random.random() < 0.5 else world.names)
    person, known, etag = _drawn(world, name), world.model.people.now().get(name), ""
    fields: dict[str, Any] = {"person": person}
    if known is not None and world.random.random() < 0.3:
        read = known if world.random.random() < 0.5 else _drawn(world, name)
        fields["as_read"], etag = read, etag_of(make_account(name, **_values(read)))

    async def update(server: Server, request: Request | None) -> Account:
        return await server.engine.accounts.update(name, _values(person), etag, request)

    await ask(world, Wish("account.update", name, world.now, fields), update, request_id=request_id(world))


async def delete_account(world: World, name: str = "") -> None:
    """Refused while it is on a page; its links go with it."""
    name = name or world.random.choice(world.names)

    async def delete(server: Server, request: Request | None) -> Revocation:
        return await server.engine.accounts.delete(name, "", request)

    await ask(world, Wish("account.delete", name, world.now), delete, request_id=request_id(world))


def _drawn(world: World, name: str) -> Person:
    """Mostly with an e-mail address, sometimes with a Slack address, sometimes with neither."""
    random = world.random
    slack = random.choices((Slack(), Slack(user=f"U{name}"), Slack(channel=f"C{name}")), (6, 3, 1))[0]
    email = f"{name}{random.randrange(3)}@people.test" if random.random() < 0.85 else ""
    wanted = random.choices(((), ("EMAIL",), ("SLACK",), ("EMAIL", "SLACK")), (5, 2, 2, 1))[0]
    full_name, locale = f"{name.title()} {random.randrange(100)}", random.choice(("en", "ja"))
    return Person(name, full_name, email, locale, slack, wanted, random.random() < 0.4)


def _values(person: Person) -> dict[str, Any]:
    slack = SlackAddress(user_id=person.slack.user, channel_id=person.slack.channel)
    locale = Locale(person.locale)
    return {
        "display_name": person.name,
        "email": person.email,
        "locale": locale,
        "slack": slack,
        "channels": tuple(map(Channel, person.wanted)),
        "link_alerts": LinkAlerts.ALWAYS if person.always else LinkAlerts.PAGE_RULES,
    }
