"""Bytes that nobody would send, to every method: never INTERNAL, never UNKNOWN, and the server goes on."""

from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.backend import Backend
from tests.e2e.methods import METHODS, Method
from tests.e2e.stubs import ALL

NEVER = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
EACH = 170
"""How many of each of the three kinds."""

KNOWN_IDS = ("ann", "ben", "page", "the-link")
"""The last stands for the link's id, which only the server knows."""

Sample = tuple[str, bytes]

_REPEATABLE = settings(
    derandomize=True, max_examples=EACH, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)

_integers = st.one_of(st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)]), st.integers(-(2**31), 2**31 - 1))
_texts = st.one_of(
    st.sampled_from(
        [*KNOWN_IDS, "*", "\0", "\u202e", "\U0010ffff", "%s", "' OR 1=1 --", "../..", "é" * 300, "x" * 9000]
    ),
    st.text(max_size=40),
)


def _scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return st.binary(max_size=20)
        case FieldDescriptor.CPPTYPE_STRING if field.name.endswith(("id", "ids")) and field.name != "request_id":
            return st.one_of(st.sampled_from(KNOWN_IDS), st.sampled_from(KNOWN_IDS), _texts)
        case FieldDescriptor.CPPTYPE_STRING:
            return _texts
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_INT64:
            return st.one_of(_integers, st.sampled_from([2**63 - 1, -(2**63)]))
        case FieldDescriptor.CPPTYPE_UINT32 | FieldDescriptor.CPPTYPE_UINT64:
            return st.integers(0, 2**32 - 1)
        case _:
            return _integers


@st.composite
def _messages(draw: Callable[..., Any], kind: type[Message]) -> Message:
    """A message with any of its fields set to anything that their types can hold."""
    message = kind()
    fill(draw, message)
    return message


def fill(draw: Callable[..., Any], message: Message) -> None:
    for field in message.DESCRIPTOR.fields:
        if (not field.name.endswith("id") or field.name == "request_id") and draw(st.integers(0, 2)):
            continue
        count = draw(st.integers(0, 3)) if field.is_repeated else 1
        for _ in range(count):
            value = getattr(message, field.name)
            if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
                fill(draw, value.add() if field.is_repeated else value)
            elif field.is_repeated:
                value.append(draw(_scalars(field)))
            else:
                setattr(message, field.name, draw(_scalars(field)))


@st.composite
def _mutated(draw: Callable[..., Any], kind: type[Message]) -> bytes:
    """The bytes of such a message, cut, or with some changed, put in, or doubled."""
    raw = bytearray(draw(_messages(kind)).SerializeToString())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        match draw(st.sampled_from(["change", "insert", "cut", "double"])):
            case "change" if at < len(raw):
                raw[at] = draw(st.integers(0, 255))
            case "cut":
                del raw[at:]
            case "double":
                raw += raw[at:]
            case _:
                raw[at:at] = draw(st.binary(min_size=1, max_size=5))
    return bytes(raw)


def _samples(strategy_of: Callable[[Method], st.SearchStrategy[bytes]]) -> list[Sample]:
    """The same samples each time: Hypothesis is told to draw without chance."""
    found: list[Sample] = []

    @settings(
        derandomize=True, max_examples=EACH, database=None, suppress_health_check=list(HealthCheck), deadline=None
    )
    @given(st.data())
    def draw(data: Any) -> None:  # noqa: ANN401 - Hypothesis names no type for it
        method = METHODS[data.draw(st.sampled_from(sorted(METHODS)))]
        found.append((method.name, data.draw(strategy_of(method))))

    draw()
    return found


async def _code_of(backend: Backend, sample: Sample) -> grpc.StatusCode:
    name, raw = sample
    try:  # time moves on: a report of a link waits for a while after another one
        await backend.ticking(METHODS[name].call_raw(backend.channel, raw))
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_any_bytes(backend: Backend) -> None:
    """Noise, odd messages and mutated ones, some 500 in all, are answered or refused, and each refusal is foreseen."""
    for name in ("ann", "ben"):
        await backend.add_account(name)
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    samples = [
        *_samples(lambda _: st.binary(max_size=200)),
        *_samples(lambda method: _messages(method.request).map(lambda message: message.SerializeToString())),
        *_samples(lambda method: _mutated(method.request)),
    ]
    assert len(samples) >= 3 * EACH
    named = [(name, raw.replace(b"\x08the-link", bytes([len(link.id)]) + link.id.encode())) for name, raw in samples]
    codes = [await _code_of(backend, sample) for sample in named]

    assert [sample for sample, code in zip(named, codes, strict=True) if code in NEVER] == []
    assert {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND} <= set(codes)
    await backend.soon(backend.add_account("", display_name="Still here"))
