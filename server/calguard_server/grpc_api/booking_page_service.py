"""BookingPageService."""
# ruff: noqa: N802 - the methods are named by the contract

from collections.abc import Mapping
from typing import Any

from calguard.v1 import booking_page_pb2 as pb
from calguard.v1 import booking_page_pb2_grpc
from calguard_server.domain.page import BookingPage, PagePhase
from calguard_server.engine.pages import Pages
from calguard_server.engine.ports.filters import PageFilter
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.authentication import scope_of_call
from calguard_server.grpc_api.convert import EPOCH, changed_page_to_wire, page_to_wire
from calguard_server.grpc_api.explanation import check_explain, explanation_to_wire
from calguard_server.grpc_api.fields import BOOKING_PAGE_FIELDS, read_fields
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.page_answers import PageAnswers
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.validation import ID, Checker, require_id


class BookingPageService(booking_page_pb2_grpc.BookingPageServiceServicer):
    """The booking pages."""

    def __init__(self, pages: Pages, answers: PageAnswers) -> None:
        self._pages = pages
        self._answers = answers

    async def CreateBookingPage(
        self, request: pb.CreateBookingPageRequest, _context: object
    ) -> pb.CreateBookingPageResponse:
        """Create a page."""
        page = read_new_page(request)
        return _created(await self._pages.create(page, request_of("CreateBookingPage", request, _created)))

    async def GetBookingPage(  # type: ignore[override]  # the interceptor takes bytes for an encoded answer
        self, request: pb.GetBookingPageRequest, _context: object
    ) -> bytes:
        """Read one page; the answer is encoded."""
        return await self._answers.get(require_id("id", request.id))

    async def ListBookingPages(
        self, request: pb.ListBookingPagesRequest, _context: object
    ) -> pb.ListBookingPagesResponse:
        """List pages in the order of their ids."""
        chosen = _read_filter(request)
        paging = Paging("ListBookingPages", chosen.account_id, *sorted(chosen.states), position=ID)
        after, size = paging.after(request.page_token), page_size(request.page_size)
        rows, more = split(await self._pages.list(chosen, after, size + 1), size)
        return pb.ListBookingPagesResponse(
            booking_pages=[page_to_wire(row) for row in rows], next_page_token=paging.token(rows[-1].id) if more else ""
        )

    async def UpdateBookingPage(
        self, request: pb.UpdateBookingPageRequest, _context: object
    ) -> pb.UpdateBookingPageResponse:
        """Change the fields that the mask names."""
        changes = read_page_changes(request)
        page, call = request.booking_page, request_of("UpdateBookingPage", request, _updated)
        return _updated(await self._pages.update(page.id, changes, page.etag, call))

    async def DeleteBookingPage(
        self, request: pb.DeleteBookingPageRequest, _context: object
    ) -> pb.DeleteBookingPageResponse:
        """Delete a page."""
        check = Checker()
        page_id = check.id("id", request.id)
        etag = check.etag("etag", request.etag)
        check.request_id(request.request_id)
        check.refuse()
        await self._pages.delete(page_id, etag, request_of("DeleteBookingPage", request, _deleted))
        return _deleted(None)

    async def StopBookingPage(self, request: pb.StopBookingPageRequest, _context: object) -> pb.StopBookingPageResponse:
        """Stop a page by hand."""
        _check_by_hand(request)
        return _stopped(await self._pages.stop(request.id, request_of("StopBookingPage", request, _stopped)))

    async def ResumeBookingPage(
        self, request: pb.ResumeBookingPageRequest, _context: object
    ) -> pb.ResumeBookingPageResponse:
        """End a stop by hand."""
        _check_by_hand(request)
        return _resumed(await self._pages.resume(request.id, request_of("ResumeBookingPage", request, _resumed)))

    async def ExplainBookingPage(
        self, request: pb.ExplainBookingPageRequest, _context: object
    ) -> pb.ExplainBookingPageResponse:
        """Explain a page, as it stands or under assumptions."""
        check_explain(request)
        faulty, healthy = request.assume_faulty_account_ids, request.assume_healthy_account_ids
        return explanation_to_wire(await self._pages.explain(request.id, faulty, healthy))


def read_new_page(request: pb.CreateBookingPageRequest) -> BookingPage:
    """Read a page to create. Raises InvalidArgumentError."""
    check = Checker()
    check.request_id(request.request_id)
    check.expect(request.HasField("booking_page"), "booking_page", "is required")
    check.refuse()
    page_id = check.optional_id("booking_page.id", request.booking_page.id)
    fields = read_fields(check, "booking_page", request.booking_page, BOOKING_PAGE_FIELDS)
    check.refuse()
    return BookingPage(
        id=page_id,
        phase=PagePhase.LINKED,
        faulty=(),
        state_time=EPOCH,
        revision=0,
        create_time=EPOCH,
        update_time=EPOCH,
        **fields,
    )


def read_page_changes(request: pb.UpdateBookingPageRequest) -> Mapping[str, Any]:
    """Read the fields that the mask names. Raises InvalidArgumentError."""
    check = Checker()
    check.request_id(request.request_id)
    chosen = check.mask("update_mask", request.update_mask.paths, BOOKING_PAGE_FIELDS)
    if check.expect(request.HasField("booking_page"), "booking_page", "is required"):
        check.id("booking_page.id", request.booking_page.id)
        check.etag("booking_page.etag", request.booking_page.etag)
    readers = {name: BOOKING_PAGE_FIELDS[name] for name in chosen}
    fields = read_fields(check, "booking_page", request.booking_page, readers)
    check.refuse()
    return fields


def _read_filter(request: pb.ListBookingPagesRequest) -> PageFilter:
    check = Checker()
    account_id = check.optional_id("account_id", request.account_id)
    states = check.enums("states", request.states, enums.PAGE_STATE)
    check.page_size(request.page_size)
    check.refuse()
    return PageFilter(account_id, states, scope_of_call().within)


def _check_by_hand(request: pb.StopBookingPageRequest | pb.ResumeBookingPageRequest) -> None:
    check = Checker()
    check.id("id", request.id)
    check.request_id(request.request_id)
    check.refuse()


def _created(page: BookingPage) -> pb.CreateBookingPageResponse:
    return pb.CreateBookingPageResponse(booking_page=changed_page_to_wire(page))


def _updated(page: BookingPage) -> pb.UpdateBookingPageResponse:
    return pb.UpdateBookingPageResponse(booking_page=changed_page_to_wire(page))


def _deleted(_nothing: None) -> pb.DeleteBookingPageResponse:
    return pb.DeleteBookingPageResponse()


def _stopped(page: BookingPage) -> pb.StopBookingPageResponse:
    return pb.StopBookingPageResponse(booking_page=changed_page_to_wire(page))


def _resumed(page: BookingPage) -> pb.ResumeBookingPageResponse:
    return pb.ResumeBookingPageResponse(booking_page=changed_page_to_wire(page))
