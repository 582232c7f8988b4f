"""What the end of a stream means for a watch."""

import enum

import grpc

from calguard_client.refusal import Refusal


class Verdict(enum.Enum):
    """What to do after a stream has ended."""

    RESUME = "go on from the last token"
    RESUME_SLOWLY = "go on from the last token, once a limit may have room again"
    START_OVER = "the token leads nowhere: begin with a snapshot"
    GIVE_UP = "the same would happen again"


ENDED = Refusal(grpc.StatusCode.OK, "", "the server ended the stream")
"""The end of a stream in good order."""

SILENT = Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "", "the stream was silent for several progress intervals")
"""No message came, though progress messages were due: nobody is there any more."""

_TOKEN_OF_NO_USE = frozenset({"RESUME_TOKEN_EXPIRED", "SCOPE_CHANGED", "TOKEN_FROM_FUTURE", "TOKEN_STORE_MISMATCH"})
_FINAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


def judge(refusal: Refusal, *, had_token: bool, let_in: bool = False) -> Verdict:
    """Judge how a stream ended; `had_token` is whether it was opened with a token, or has sent one.

    `let_in` is whether it told something: then the caller's own token was good, and there may be a newer one.
    """
    if let_in and refusal.reason == "TOKEN_EXPIRED":
        return Verdict.RESUME
    if had_token and refusal.reason in _TOKEN_OF_NO_USE:
        return Verdict.START_OVER
    if refusal.code in _FINAL:
        return Verdict.GIVE_UP
    if refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED and refusal.reason != "SLOW_CONSUMER":
        return Verdict.RESUME_SLOWLY
    return Verdict.RESUME
