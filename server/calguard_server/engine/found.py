"""Reading a row that must exist."""

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.errors import NotFoundError
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.engine.ports.notifications import Notification


def found_account(account: Account | None, account_id: str) -> Account:
    """Answer the account, or raise NotFoundError `ACCOUNT_NOT_FOUND`."""
    if account is None:
        raise NotFoundError("ACCOUNT_NOT_FOUND", f"there is no account {account_id}", metadata={"id": account_id})
    return account


def found_link(link: CalendarLink | None, link_id: str) -> CalendarLink:
    """Answer the link, or raise NotFoundError `CALENDAR_LINK_NOT_FOUND`."""
    if link is None:
        raise NotFoundError("CALENDAR_LINK_NOT_FOUND", f"there is no calendar link {link_id}", metadata={"id": link_id})
    return link


def found_page(page: BookingPage | None, page_id: str) -> BookingPage:
    """Answer the page, or raise NotFoundError `BOOKING_PAGE_NOT_FOUND`."""
    if page is None:
        raise NotFoundError("BOOKING_PAGE_NOT_FOUND", f"there is no booking page {page_id}", metadata={"id": page_id})
    return page


def found_appointment(appointment: Appointment | None, appointment_id: str) -> Appointment:
    """Answer the appointment, or raise NotFoundError `APPOINTMENT_NOT_FOUND`."""
    if appointment is None:
        text = f"there is no appointment {appointment_id}"
        raise NotFoundError("APPOINTMENT_NOT_FOUND", text, metadata={"id": appointment_id})
    return appointment


def found_notification(notification: Notification | None, notification_id: str) -> Notification:
    """Answer the notification, or raise NotFoundError `NOTIFICATION_NOT_FOUND`."""
    if notification is None:
        text = f"there is no notification {notification_id}"
        raise NotFoundError("NOTIFICATION_NOT_FOUND", text, metadata={"id": notification_id})
    return notification
