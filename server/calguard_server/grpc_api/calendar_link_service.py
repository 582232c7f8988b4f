"""CalendarLinkService."""
# ruff: noqa: N802 - the methods are named by the contract

from collections.abc import AsyncGenerator
from contextlib import aclosing

from calguard.v1 import calendar_link_pb2 as pb
from calguard.v1 import calendar_link_pb2_grpc
from calguard_server.domain.addresses import THIRD_PARTY_ACCESS_URL
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.checks import Checks
from calguard_server.engine.diagnosis import Diagnosis
from calguard_server.engine.ending import Ended, Ending
from calguard_server.engine.found import found_link
from calguard_server.engine.linking import Begun, Linking
from calguard_server.engine.ports.filters import LinkFilter
from calguard_server.engine.ports.store import Store
from calguard_server.engine.reports import Reports
from calguard_server.engine.revoking import Revocation
from calguard_server.engine.selection import Selection
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.authentication import scope_of_call, still_permitted
from calguard_server.grpc_api.convert import calendar_to_wire, link_to_wire, to_timestamp
from calguard_server.grpc_api.diagnosis_wire import step_to_wire
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.link_requests import read_outcome, read_selection, read_wish
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.report_wire import read_report, reason_to_wire
from calguard_server.grpc_api.validation import ID, Checker


class CalendarLinkService(calendar_link_pb2_grpc.CalendarLinkServiceServicer):
    """The links between accounts and their calendars. `store` is only read."""

    def __init__(
        self,
        store: Store,
        linking: Linking,
        selection: Selection,
        checks: Checks,
        ending: Ending,
        diagnosis: Diagnosis,
        reports: Reports,
        third_party_access_url: str = THIRD_PARTY_ACCESS_URL,
    ) -> None:
        self._store = store
        self._linking = linking
        self._selection = selection
        self._checks = checks
        self._ending = ending
        self._diagnosis = diagnosis
        self._reports = reports
        self._third_party_access_url = third_party_access_url

    async def BeginCalendarLink(
        self, request: pb.BeginCalendarLinkRequest, _context: object
    ) -> pb.BeginCalendarLinkResponse:
        """Begin linking, or linking again."""
        wish = read_wish(request)
        return _begun(await self._linking.begin(wish, request_of("BeginCalendarLink", request, _begun)))

    async def CompleteCalendarLink(
        self, request: pb.CompleteCalendarLinkRequest, _context: object
    ) -> pb.CompleteCalendarLinkResponse:
        """End what BeginCalendarLink began."""
        read_outcome(request)
        link = await self._linking.complete(request.state, request.code, request.error)
        return pb.CompleteCalendarLinkResponse(calendar_link=link_to_wire(link))

    async def GetCalendarLink(self, request: pb.GetCalendarLinkRequest, _context: object) -> pb.GetCalendarLinkResponse:
        """Read one link."""
        link_id = _required_id("id", request.id)
        link = found_link(await self._store.link(link_id), link_id)
        return pb.GetCalendarLinkResponse(calendar_link=link_to_wire(link))

    async def ListCalendarLinks(
        self, request: pb.ListCalendarLinksRequest, _context: object
    ) -> pb.ListCalendarLinksResponse:
        """List links in the order of their ids."""
        chosen = _read_filter(request)
        paging = Paging("ListCalendarLinks", chosen.account_id, *sorted(chosen.states), position=ID)
        after, size = paging.after(request.page_token), page_size(request.page_size)
        rows, more = split(await self._store.links(chosen, after, size + 1), size)
        return pb.ListCalendarLinksResponse(
            calendar_links=[link_to_wire(row) for row in rows],
            next_page_token=paging.token(rows[-1].id) if more else "",
        )

    async def ListCalendars(self, request: pb.ListCalendarsRequest, _context: object) -> pb.ListCalendarsResponse:
        """List the calendars that the linked Google account shows."""
        link_id = _required_id("calendar_link_id", request.calendar_link_id)
        calendars = await self._selection.list_calendars(link_id)
        return pb.ListCalendarsResponse(calendars=[calendar_to_wire(each) for each in calendars])

    async def SelectCalendars(self, request: pb.SelectCalendarsRequest, _context: object) -> pb.SelectCalendarsResponse:
        """Set which calendars are checked, and which one is added to."""
        read_selection(request)
        call = request_of("SelectCalendars", request, _selected)
        check_ids, add_id = tuple(request.check_calendar_ids), request.add_calendar_id
        return _selected(await self._selection.select(request.id, check_ids, add_id, request.etag, call))

    async def CheckCalendarLink(
        self, request: pb.CheckCalendarLinkRequest, _context: object
    ) -> pb.CheckCalendarLinkResponse:
        """Check a link now."""
        link = await self._checks.check_now(_required_id("id", request.id))
        return pb.CheckCalendarLinkResponse(calendar_link=link_to_wire(link))

    async def DiagnoseCalendarLink(
        self, request: pb.DiagnoseCalendarLinkRequest, _context: object
    ) -> AsyncGenerator[pb.DiagnoseCalendarLinkResponse, None]:
        """Find out at which stage a link fails; whether the caller still may is looked at after each stage."""
        check_permission = still_permitted()
        async with aclosing(self._diagnosis.diagnose(_required_id("id", request.id))) as steps:
            async for step in steps:
                check_permission()
                yield pb.DiagnoseCalendarLinkResponse(step=step_to_wire(step))

    async def ReportCalendarFailure(
        self, request: pb.ReportCalendarFailureRequest, _context: object
    ) -> pb.ReportCalendarFailureResponse:
        """Check a link because another service met a failure."""
        result = await self._reports.report(read_report(request))
        return pb.ReportCalendarFailureResponse(
            calendar_link=link_to_wire(result.link), read_as=reason_to_wire(result.read_as)
        )

    async def DisconnectCalendarLink(
        self, request: pb.DisconnectCalendarLinkRequest, _context: object
    ) -> pb.DisconnectCalendarLinkResponse:
        """Revoke the grant at Google, forget the tokens, and stop the link."""
        check = Checker()
        link_id = check.id("id", request.id)
        check.request_id(request.request_id)
        check.refuse()
        call = request_of("DisconnectCalendarLink", request, self._disconnected)
        return self._disconnected(await self._ending.disconnect(link_id, call))

    async def DeleteCalendarLink(
        self, request: pb.DeleteCalendarLinkRequest, _context: object
    ) -> pb.DeleteCalendarLinkResponse:
        """Delete a link; its grant is revoked at Google first."""
        check = Checker()
        link_id = check.id("id", request.id)
        etag = check.etag("etag", request.etag)
        check.request_id(request.request_id)
        check.refuse()
        call = request_of("DeleteCalendarLink", request, self._deleted)
        return self._deleted(await self._ending.delete(link_id, etag, call))

    def _disconnected(self, ended: Ended) -> pb.DisconnectCalendarLinkResponse:
        return pb.DisconnectCalendarLinkResponse(
            calendar_link=link_to_wire(ended.link),
            third_party_access_url=self._third_party_access_url,
            revoked_at_provider=ended.revocation is Revocation.CONFIRMED,
            revocation=enums.GRANT_REVOCATION.to_wire[ended.revocation],
        )

    def _deleted(self, revocation: Revocation) -> pb.DeleteCalendarLinkResponse:
        return pb.DeleteCalendarLinkResponse(
            revoked_at_provider=revocation is Revocation.CONFIRMED,
            revocation=enums.GRANT_REVOCATION.to_wire[revocation],
            third_party_access_url=self._third_party_access_url,
        )


def _required_id(field: str, value: str) -> str:
    check = Checker()
    check.id(field, value)
    check.refuse()
    return value


def _read_filter(request: pb.ListCalendarLinksRequest) -> LinkFilter:
    check = Checker()
    account_id = check.optional_id("account_id", request.account_id)
    states = check.enums("states", request.states, enums.LINK_STATE)
    check.page_size(request.page_size)
    check.refuse()
    return LinkFilter(account_id, states, scope_of_call().within)


def _begun(begun: Begun) -> pb.BeginCalendarLinkResponse:
    return pb.BeginCalendarLinkResponse(
        authorization_url=begun.authorization_url, state=begun.state, expire_time=to_timestamp(begun.expire_time)
    )


def _selected(link: CalendarLink) -> pb.SelectCalendarsResponse:
    return pb.SelectCalendarsResponse(calendar_link=link_to_wire(link))
