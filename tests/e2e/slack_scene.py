"""Pages whose owners are told in Slack, in one or two workspaces, and what was posted there."""

from collections.abc import Iterable

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1.slack_pb2 import SlackAddress
from calguard_sandbox.slack.state import SlackMessage, SlackState
from tests.e2e.backend import Backend
from tests.e2e.stubs import UNDER_WAY

ANN, BEN, OLGA = "ann@example.com", "ben@example.com", "olga@example.com"
TOKEN, SECOND, TEAM = "xoxb-acme-1", "xoxb-acme-2", "T0ACME"
IN_ACME = SlackAddress(workspace_id="acme")


async def add_people(backend: Backend, **fields_of: dict[str, object]) -> dict[str, links_pb.CalendarLink]:
    """Olga, Ann and Ben; the latter two with a link each, by name. `fields_of` are what else their accounts hold."""
    for name in ("olga", "ann", "ben"):
        await backend.add_account(name, **fields_of.get(name, {}))
    return {name: await backend.link(name) for name in ("ann", "ben")}


async def add_acme(backend: Backend) -> SlackState:
    """A second workspace, with two good tokens."""
    acme = backend.sandbox.slack_workspaces.add(TEAM, TOKEN, "Acme Inc.")
    acme.put_token(SECOND)
    await backend.put_slack("acme", TOKEN)
    return acme


async def move_to_acme(backend: Backend, account_id: str, **fields: object) -> accounts_pb.Account:
    account = accounts_pb.Account(id=account_id, slack=IN_ACME, **fields)
    request = accounts_pb.UpdateAccountRequest(account=account)
    request.update_mask.paths.extend(["slack", *fields])
    return (await backend.accounts.UpdateAccount(request)).account


async def recover(backend: Backend, *links: links_pb.CalendarLink) -> None:
    """Consent is given again, and found good."""
    for link in links:
        await backend.relink(link)


def posts_to(backend: Backend, email: str) -> list[SlackMessage]:
    """What was posted to a person, oldest first."""
    return [post for post in backend.sandbox.slack.messages.records if post.user_email == email]


def titles(posts: Iterable[SlackMessage]) -> list[str]:
    return [post.text.splitlines()[0] for post in posts]


async def until_waiting(backend: Backend, count: int = 1) -> list[notices_pb.Notification]:
    """The notices that wait for a broken workspace, once so many do and nothing else is on its way."""

    def reached(notices: list[notices_pb.Notification]) -> bool:
        errors = [notice.last_error for notice in notices if notice.state in UNDER_WAY]
        return len(errors) == count and all(error.startswith("SLACK_WORKSPACE_BROKEN") for error in errors)

    notices = await backend.until(reached)
    return [notice for notice in notices if notice.state in UNDER_WAY]
