"""What a caller whose scope is limited may see and change: judged before anything is done, as things stand then.

What is not seen is refused in the words for what does not exist, and after as much reading. What is seen and may not be
changed is PermissionDeniedError `SCOPE_TOO_SMALL`. Each raises NotFoundError besides.
"""

from collections.abc import Iterable

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.errors import PermissionDeniedError
from calguard_server.domain.page import BookingPage
from calguard_server.domain.scope import Scope
from calguard_server.engine.attempts import digest_of, state_unknown
from calguard_server.engine.found import found_account, found_appointment, found_link, found_notification, found_page
from calguard_server.engine.ports.store import Store
from calguard_server.engine.seeds import Seeds


class Visibility:
    """Judges by what the store holds; nothing is changed."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def accounts(self, scope: Scope, account_ids: Iterable[str]) -> None:
        """Refuse accounts that are not in the scope, whether they exist or not."""
        for account_id in account_ids:
            if not scope.has(account_id):
                found_account(None, account_id)

    async def link(self, scope: Scope, link_id: str) -> None:
        """Refuse a link that is not seen, or is not there."""
        link = await self.store.link(link_id)
        found_link(link if link is not None and scope.has(link.account_id) else None, link_id)

    async def page(self, scope: Scope, page_id: str) -> BookingPage:
        """Answer a page. Refuse one that is not seen, or is not there."""
        page = await self.store.page(page_id)
        return found_page(page if page is not None and scope.sees_page(page) else None, page_id)

    async def own_page(self, scope: Scope, page_id: str) -> BookingPage:
        """Answer a page that may be changed. Refuse one of another owner, too."""
        page = await self.page(scope, page_id)
        _refuse_other_owner(scope, page)
        return page

    async def appointment(self, scope: Scope, appointment_id: str) -> None:
        """Refuse an appointment that is not seen, or is not there."""
        await self._appointment(scope, appointment_id)

    async def own_appointment(self, scope: Scope, appointment_id: str) -> None:
        """Refuse, besides, one on a page of another owner, or of a page that was deleted."""
        appointment, page = await self._appointment(scope, appointment_id)
        _refuse_other_owner(scope, found_page(page, appointment.booking_page_id))

    async def notification(self, scope: Scope, notification_id: str) -> None:
        """Refuse a notification to somebody else, or that is not there."""
        found = await self.store.notification(notification_id)
        seen = found is not None and scope.has(found.delivery.recipient_account_id)
        found_notification(found if seen else None, notification_id)

    async def attempt(self, scope: Scope, state: str) -> None:
        """Raise InvalidArgumentError `STATE_UNKNOWN` for an attempt of another account, or of none."""
        digest = digest_of(state)
        attempt = (await self.store.look(Seeds(attempts=(digest,)))).attempts.get(digest)
        if attempt is None or not scope.has(attempt.account_id):
            raise state_unknown()

    async def _appointment(self, scope: Scope, appointment_id: str) -> tuple[Appointment, BookingPage | None]:
        appointment = await self.store.appointment(appointment_id)
        page = None if appointment is None else await self.store.page(appointment.booking_page_id)
        seen = appointment is not None and scope.sees_appointment(appointment, page)
        return found_appointment(appointment if seen else None, appointment_id), page


def scope_too_small(text: str) -> PermissionDeniedError:
    """Build the refusal of what a limited scope never permits."""
    return PermissionDeniedError("SCOPE_TOO_SMALL", text)


def _refuse_other_owner(scope: Scope, page: BookingPage) -> None:
    if not scope.has(page.owner_account_id):
        raise scope_too_small(
            f"booking page {page.id}, and what is booked on it, is changed by callers who may see its owner's account"
        )
