"""Acts 2 to 4: people, their calendars, their booking pages, and somebody who watches."""

import re

from calguard.v1 import account_pb2, booking_page_pb2, calendar_link_pb2
from demo.cast import ANN, BEN, EVERYBODY, MEMBERS, OLGA, PAGES, Page, Person
from demo.claims import Mismatch
from demo.server import CALL_SECONDS
from demo.stage import Stage
from demo.states import LINKED, link_state, page_state

_OK = 200
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


async def link_accounts(stage: Stage) -> None:
    """Make the accounts, and link Ann's and Ben's calendars as a browser does."""
    stage.screen.act("2. Ann and Ben connect their Google Calendars")
    for person in EVERYBODY:
        await _create_account(stage, person)
    stage.screen.say("accounts", f"Olga owns the booking pages: {OLGA.email}")
    stage.screen.more(
        f"Ann can be booked: {ANN.email}",
        f"Ben can be booked: {BEN.email}; he reads Japanese",
    )
    for person in MEMBERS:
        await connect(stage, person)
    links = await read_links(stage)
    stage.link_ids = {account_id: link.id for account_id, link in links.items()}
    stage.claims.hold(
        "Ann and Ben connected by OAuth, over HTTP.",
        "ListCalendarLinks",
        expected={person.id: (LINKED, person.email, [person.email]) for person in MEMBERS},
        seen={key: (link_state(each), each.provider_email, [*each.check_calendar_ids]) for key, each in links.items()},
    )


async def make_pages(stage: Stage) -> None:
    """Make a booking page of each mode."""
    stage.screen.act("3. A booking page of each scheduling mode, with Ann and Ben as members")
    for page in PAGES:
        await _create_page(stage, page)
        mode = booking_page_pb2.SchedulingMode.Name(page.mode).removeprefix("SCHEDULING_MODE_")
        stage.screen.say("page", f"{page.title} ({mode}): {page.rule}")
        stage.screen.more(page.stops)
    stage.claims.hold(
        "Three pages, one of each mode, accepted bookings.",
        "GetBookingPage",
        expected={page.id: LINKED for page in PAGES},
        seen={each.id: page_state(each) for each in await stage.pages()},
    )


async def attach_watch(stage: Stage) -> None:
    """Subscribe to every change."""
    stage.screen.act("4. A subscriber watches")
    stage.screen.say("watch", "first how things stand, then every change as it is committed")
    stage.screen.more("(#N is its revision: its place in the one order of all changes)", style="dim")
    stage.watch.attach(stage.server.watch)
    await stage.watch.snapshot_taken()


async def connect(stage: Stage, person: Person, link_id: str = "") -> None:
    """Link a calendar by OAuth: the consent page at Google, then the server's own callback page."""
    request = calendar_link_pb2.BeginCalendarLinkRequest(
        account_id=person.id, calendar_link_id=link_id, select_primary=not link_id
    )
    begun = await stage.server.links.BeginCalendarLink(request, timeout=CALL_SECONDS)
    callback = await stage.control.consent(begun.authorization_url, person.email)
    stage.screen.say(person.name, "ticks every box on Google's page, and is sent on to the server:")
    async with stage.http.get(callback) as answer:
        title = _TITLE.search(await answer.text())
        if answer.status != _OK:
            raise Mismatch(f"{person.name}'s calendar is connected", _OK, answer.status)
    stage.screen.quote(title.group(1).strip() if title else "")


async def read_links(stage: Stage) -> dict[str, calendar_link_pb2.CalendarLink]:
    """Read every link from the server, by account id."""
    request = calendar_link_pb2.ListCalendarLinksRequest()
    listed = await stage.server.links.ListCalendarLinks(request, timeout=CALL_SECONDS)
    return {link.account_id: link for link in listed.calendar_links}


async def _create_account(stage: Stage, person: Person) -> None:
    account = account_pb2.Account(id=person.id, display_name=person.name, email=person.email, locale=person.locale)
    request = account_pb2.CreateAccountRequest(account=account)
    await stage.server.accounts.CreateAccount(request, timeout=CALL_SECONDS)


async def _create_page(stage: Stage, page: Page) -> None:
    booking_page = booking_page_pb2.BookingPage(
        id=page.id,
        owner_account_id=OLGA.id,
        title=page.title,
        scheduling_mode=page.mode,
        members=[booking_page_pb2.BookingPageMember(account_id=person.id) for person in MEMBERS],
    )
    request = booking_page_pb2.CreateBookingPageRequest(booking_page=booking_page)
    await stage.server.pages.CreateBookingPage(request, timeout=CALL_SECONDS)
