"""Messages of every method with any of their fields set to anything that their types can hold, drawn by Hypothesis."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.e2e.methods import METHODS

KNOWN_IDS = ("ann", "ben", "page", "the-link")
"""The last stands for the link's id, which only the server knows: it is put in with `with_link`."""

Sample = tuple[str, bytes]
"""A method and the bytes that it is called with."""

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


def messages(number: int, count: int) -> list[Sample]:
    """Draw so many, the same for the same number; each of a method by chance."""
    drawn: list[Sample] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data: Any) -> None:  # noqa: ANN401 - Hypothesis names no type for it
        method = METHODS[data.draw(st.sampled_from(sorted(METHODS)))]
        drawn.append((method.path, data.draw(_messages(method.request)).SerializeToString()))

    draw()
    return drawn


def with_link(raw: bytes, link_id: str) -> bytes:
    """Put a link's real id where the one that stands for it is."""
    return raw.replace(b"\x08the-link", bytes([len(link_id)]) + link_id.encode())
