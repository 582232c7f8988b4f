"""What belongs to one account, told apart from what belongs to others by its ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.e2e.backend import Backend
from tests.e2e.booking import assign
from tests.e2e.stubs import ALL
from tests.fakes.world import START


@dataclass(frozen=True)
class World:
    """The ids of what is an account's alone; `start` is a time at which its page is not booked."""

    account: str
    link: str
    page: str
    appointment: str
    notification: str
    state: str
    start: datetime

    @property
    def ids(self) -> Mapping[str, str]:
        """By what each is of."""
        return {
            "account": self.account,
            "link": self.link,
            "page": self.page,
            "appointment": self.appointment,
            "notification": self.notification,
        }


GONE = World("nobody", "no-link", "no-page", "no-appointment", "no-notice", "0" * 64, START.replace(hour=12))
"""Of which there is nothing."""


async def make_world(backend: Backend, account_id: str, hour: int) -> World:
    """Make an account with a link, a page that is stopped, an appointment on it, and a notice of the stop."""
    await backend.add_account(account_id)
    link = await backend.link(account_id)
    page = await backend.add_page(f"page-of-{account_id}", ALL, account_id, account_id)
    appointment = await assign(backend, page.id, hour)
    await backend.break_link(link)
    await backend.settled()
    [notice, *_] = [each for each in await backend.notifications() if each.recipient_account_id == account_id]
    begun = await backend.begin(account_id)
    start = datetime(START.year, START.month, START.day + 1, hour, tzinfo=UTC)
    return World(account_id, link.id, page.id, appointment.id, notice.id, begun.state, start)
