"""SilenceService."""
# ruff: noqa: N802 - the methods are named by the contract

from calguard.v1 import silence_pb2 as pb
from calguard.v1 import silence_pb2_grpc
from calguard_server.domain.silence import Silence
from calguard_server.engine.silences import Silences
from calguard_server.grpc_api.convert import EPOCH, silence_to_wire
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.validation import ID, Checker

_PAGING = Paging("ListSilences", position=ID)
_REASON_MAX = 500


class SilenceService(silence_pb2_grpc.SilenceServiceServicer):
    """What people are not to be told for a while."""

    def __init__(self, silences: Silences) -> None:
        self._silences = silences

    async def CreateSilence(self, request: pb.CreateSilenceRequest, _context: object) -> pb.CreateSilenceResponse:
        """Create a silence."""
        silence = read_new_silence(request)
        call = request_of("CreateSilence", request, _created)
        return _created(await self._silences.create(silence, call))

    async def ListSilences(self, request: pb.ListSilencesRequest, _context: object) -> pb.ListSilencesResponse:
        """List the silences in force."""
        check = Checker()
        check.page_size(request.page_size)
        check.refuse()
        size = page_size(request.page_size)
        rows, more = split(await self._silences.list(_PAGING.after(request.page_token), size + 1), size)
        return pb.ListSilencesResponse(
            silences=[silence_to_wire(row) for row in rows],
            next_page_token=_PAGING.token(rows[-1].id) if more else "",
        )

    async def DeleteSilence(self, request: pb.DeleteSilenceRequest, _context: object) -> pb.DeleteSilenceResponse:
        """End a silence."""
        check = Checker()
        silence_id = check.id("id", request.id)
        check.request_id(request.request_id)
        check.refuse()
        await self._silences.delete(silence_id, request_of("DeleteSilence", request, _deleted))
        return _deleted()


def read_new_silence(request: pb.CreateSilenceRequest) -> Silence:
    """Read a silence to create. Raises InvalidArgumentError."""
    check, silence = Checker(), request.silence
    check.request_id(request.request_id)
    check.expect(request.HasField("silence"), "silence", "is required")
    check.refuse()
    parts = {
        name: check.optional_id(f"silence.{name}", getattr(silence, name))
        for name in ("booking_page_id", "account_id", "calendar_link_id")
    }
    check.expect(any(parts.values()), "silence", f"expected at least one of {', '.join(parts)}")
    read = Silence(
        id=check.optional_id("silence.id", silence.id),
        end_time=check.time("silence.end_time", silence.end_time),
        reason=check.text("silence.reason", silence.reason, _REASON_MAX, at_least=1),
        create_time=EPOCH,
        **parts,
    )
    check.refuse()
    return read


def _created(silence: Silence) -> pb.CreateSilenceResponse:
    return pb.CreateSilenceResponse(silence=silence_to_wire(silence))


def _deleted(_: object = None) -> pb.DeleteSilenceResponse:
    return pb.DeleteSilenceResponse()
