"""Every refusal has a status, and travels with details that a client can decode."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from calguard_server.domain import errors
from calguard_server.grpc_api.errors import STATUS_OF, internal_refusal, refusal_of


def every_kind(kind: type[errors.CalguardError] = errors.CalguardError) -> list[type[errors.CalguardError]]:
    below = [deeper for each in kind.__subclasses__() for deeper in (each, *every_kind(each))]
    return list(dict.fromkeys(below))


def details_of(details: bytes) -> dict[str, object]:
    unpacked: dict[str, object] = {}
    for packed in status_pb2.Status.FromString(details).details:
        kind = getattr(error_details_pb2, packed.type_url.rpartition(".")[2])
        message = kind()
        assert packed.Unpack(message)
        unpacked[kind.__name__] = message
    return unpacked


def test_every_kind_of_refusal_has_a_row_of_its_own() -> None:
    kinds = [kind for kind in every_kind() if kind.__module__ == errors.__name__]
    assert len(kinds) >= 9
    assert set(kinds) == set(STATUS_OF)


@pytest.mark.parametrize("kind", [kind for kind in STATUS_OF if kind is not errors.IllegalTransitionError])
def test_details_carry_reason_domain_and_metadata(kind: type[errors.CalguardError]) -> None:
    refusal = refusal_of(kind("SOME_REASON", "do this instead", metadata={"id": "x"}))
    status = status_pb2.Status.FromString(refusal.details)
    info = details_of(refusal.details)["ErrorInfo"]
    assert (refusal.code, refusal.text) == (STATUS_OF[kind], "do this instead")
    assert (status.code, status.message) == (refusal.code.value[0], refusal.text)
    assert (info.reason, info.domain, dict(info.metadata)) == ("SOME_REASON", "calguard.v1", {"id": "x"})


def test_an_illegal_transition_is_a_failed_precondition() -> None:
    refusal = refusal_of(errors.IllegalTransitionError("booking page", "STOPPED", "STOP_BY_HAND"))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert details_of(refusal.details)["ErrorInfo"].reason == "ILLEGAL_TRANSITION"


def test_a_kind_that_is_made_later_has_the_status_of_the_kind_above_it() -> None:
    class SlowConsumerError(errors.ResourceExhaustedError):
        """A kind that the table does not name."""

    assert refusal_of(SlowConsumerError("SLOW_CONSUMER", "too slow")).code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_bad_fields_are_named_each() -> None:
    error = errors.InvalidArgumentError.of_fields(
        errors.FieldViolation("account.id", "expected an id"), errors.FieldViolation("account.email", "expected one")
    )
    bad = details_of(refusal_of(error).details)["BadRequest"]
    assert [(each.field, each.description) for each in bad.field_violations] == [
        ("account.id", "expected an id"),
        ("account.email", "expected one"),
    ]


def test_only_what_may_pass_by_itself_says_when_to_call_again() -> None:
    passing = details_of(refusal_of(errors.UnavailableError("PROVIDER_UNREACHABLE", "later")).details)
    lasting = details_of(refusal_of(errors.AbortedError("ETAG_MISMATCH", "read again")).details)
    assert passing["RetryInfo"].retry_delay.seconds == 1
    assert "RetryInfo" not in lasting


@pytest.mark.parametrize("text", ["x" * 100_000, "日" * 100_000, "%" * 100_000], ids=["plain", "wide", "percent"])
def test_an_error_stays_within_what_clients_take_as_trailers(text: str) -> None:
    violations = tuple(errors.FieldViolation(f"members[{index}]", text) for index in range(500))
    error = errors.InvalidArgumentError("X", text, metadata={"a": text, "b": text}, violations=violations)
    refusal = refusal_of(error)
    percent_encoded = 3 * len(refusal.text.encode())
    assert percent_encoded + len(refusal.details) * 4 / 3 < 8_000
    assert details_of(refusal.details)["BadRequest"].field_violations[0].field == "members[0]"


def test_what_no_protocol_can_carry_is_replaced_rather_than_raised() -> None:
    refusal = refusal_of(errors.NotFoundError("X", "there is no \ud800", metadata={"id": "\udfff"}))
    assert refusal.text == "there is no ?"
    assert dict(details_of(refusal.details)["ErrorInfo"].metadata) == {"id": "?"}


def test_an_error_that_nobody_foresaw_tells_its_id_and_nothing_else() -> None:
    refusal = internal_refusal("0123abcd")
    assert refusal.code is grpc.StatusCode.INTERNAL
    assert dict(details_of(refusal.details)["ErrorInfo"].metadata) == {"error_id": "0123abcd"}
