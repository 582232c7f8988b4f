"""Every text and every list that a caller can send has a bound: read from the contract, so that a new one needs one."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from calguard_client.refusal import Refusal
from tests.e2e.backend import Backend
from tests.e2e.methods import METHODS
from tests.e2e.stubs import refused

LONG, MANY = "x" * 200_000, 5_001
UNREAD = {"faulty", ("CreateAccount", "account.etag"), ("CreateBookingPage", "booking_page.etag")}
"""What the server sets is left unread when a caller sends it."""

Path = tuple[FieldDescriptor, ...]


def bounded(kind: Descriptor, above: Path = ()) -> Iterator[Path]:
    """The path of every text and every list of a message."""
    for field in kind.fields:
        path = (*above, field)
        if field.name in UNREAD:
            continue
        if field.is_repeated or field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            yield path
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            yield from bounded(field.message_type, path)


def overdone(message: Message, path: Path) -> str:
    """Give the last of the path too much, and the rest what it needs to be there; answers what it is called."""
    field, rest = path[0], path[1:]
    there: Any = getattr(message, field.name)
    if rest:
        if field.message_type.full_name == "google.protobuf.FieldMask":
            there.paths.extend([LONG] * 2)
            return field.name
        inner = there.add() if field.is_repeated else there
        return f"{field.name}{'[0]' if field.is_repeated else ''}.{overdone(inner, rest)}"
    if not field.is_repeated:
        setattr(message, field.name, LONG)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        for _ in range(MANY):
            there.add()
    else:
        there.extend([f"x{number}" for number in range(MANY)] if field.cpp_type == field.CPPTYPE_STRING else [1] * MANY)
    return field.name


def names(refusal: Refusal, field: str) -> bool:
    named = {bad.field.removesuffix("[1]") for bad in refusal.fields}  # the second of a list, where it is not the list
    return field in named or (field == "resume_token" and refusal.reason == "TOKEN_INVALID")


async def test_every_text_and_every_list_has_a_bound(backend: Backend) -> None:
    """What is over it is INVALID_ARGUMENT and names the field; nothing of it is repeated in the answer."""
    await backend.add_account("ann")
    wrong, tried = [], 0
    for name, method in METHODS.items():
        for path in bounded(method.request.DESCRIPTOR):
            request = method.request()
            field = overdone(request, path)
            if (name, field) in UNREAD:
                continue
            if name.startswith("Update") and field != "update_mask":
                request.update_mask.paths.append("*")  # type: ignore[attr-defined] # all that are updated have one
            refusal = await refused(method.call(backend.channel, request))
            tried += 1
            if refusal.code.name != "INVALID_ARGUMENT" or not names(refusal, field) or LONG[:500] in str(refusal):
                wrong.append(
                    (name, field, refusal.code.name, refusal.reason, [bad.field for bad in refusal.fields][:5])
                )
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 100
