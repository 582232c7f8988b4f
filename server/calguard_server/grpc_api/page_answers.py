"""The answers of GetBookingPage, kept encoded until their page changes.

1. A commit's listener drops what changed. The store tells it before the change's caller is answered, so everybody
   reads what they wrote.
2. A read that was under way when a change of its page was told may have seen the page as it was: its answer is given,
   and not kept.
3. A page that is not there is looked for anew each time.
4. What is kept is bounded by its size; what was not asked for the longest goes first.

This rests on the store: every change of what a page shows is an entry of its log, and is told in this process, whoever
made it. Where another process writes too, its changes have to be told here before they are answered there.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from calguard.v1 import booking_page_pb2 as pb
from calguard_server.domain.events import ResourceKind
from calguard_server.domain.page import BookingPage
from calguard_server.engine.ports.log import LogEntry
from calguard_server.grpc_api.convert import page_to_wire

_BYTES_MAX = 32 * 1024 * 1024
BYTES_OF_AN_ENTRY = 256
"""About what one takes besides the answer itself."""

ReadPage = Callable[[str], Awaitable[BookingPage]]


class PageAnswers:
    """Answers pages by id, as `read` does. `told` is a commit listener of the store that is read."""

    def __init__(self, read: ReadPage, bytes_max: int = _BYTES_MAX) -> None:
        self._read = read
        self._left = bytes_max
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._reading: dict[str, object] = {}

    def told(self, entries: Sequence[LogEntry]) -> None:
        """Drop the pages that a commit changed."""
        for entry in entries:
            if entry.kind == ResourceKind.BOOKING_PAGE:
                self._reading.pop(entry.resource_id, None)
                self._drop(entry.resource_id)

    async def get(self, page_id: str) -> bytes:
        """Answer a page, as an encoded GetBookingPageResponse. Raises what reading it raises."""
        kept = self._kept.get(page_id)
        if kept is None:
            return await self._fetch(page_id)
        self._kept.move_to_end(page_id)
        return kept

    async def _fetch(self, page_id: str) -> bytes:
        mark = self._reading[page_id] = object()
        try:
            page = await self._read(page_id)
            answer = pb.GetBookingPageResponse(booking_page=page_to_wire(page)).SerializeToString()
            if self._reading.get(page_id) is mark:
                self._keep(page_id, answer)
        finally:
            if self._reading.get(page_id) is mark:
                del self._reading[page_id]
        return answer

    def _keep(self, page_id: str, encoded: bytes) -> None:
        self._drop(page_id)
        self._kept[page_id] = encoded
        self._left -= _size(encoded)
        while self._left < 0:
            self._drop(next(iter(self._kept)))

    def _drop(self, page_id: str) -> None:
        encoded = self._kept.pop(page_id, None)
        if encoded is not None:
            self._left += _size(encoded)


def _size(encoded: bytes) -> int:
    return len(encoded) + BYTES_OF_AN_ENTRY
