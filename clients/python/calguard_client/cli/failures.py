"""How a failed run is told: one line on stderr (or JSON), and an exit code that a script can use."""

import json
from collections.abc import Mapping

import click
import grpc

from calguard_client.cli.cells import clean
from calguard_client.cli.session import Session
from calguard_client.cli.token import TOKEN_VARIABLE
from calguard_client.refusal import Refusal
from calguard_client.watching.breaks import SILENT

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_FAULT_FOUND = 6
EXIT_UNWRITTEN = 74
EXIT_INTERRUPTED = 130
EXIT_READER_GONE = 141

EXIT_CODES: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.NOT_FOUND: 3,
    grpc.StatusCode.FAILED_PRECONDITION: 4,
    grpc.StatusCode.ABORTED: 4,
    grpc.StatusCode.ALREADY_EXISTS: 4,
    grpc.StatusCode.UNAVAILABLE: 5,
    grpc.StatusCode.DEADLINE_EXCEEDED: 5,
}


class WatchEndedError(Exception):
    """A watch that ended before it was interrupted. `hint` says how to go on; empty where nothing was received."""

    def __init__(self, refusal: Refusal, hint: str) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.hint = hint


def report(refusal: Refusal, session: Session, hint: str = "") -> int:
    """Tell why a call failed; answer the exit code."""
    if session.as_json:
        _print_error(_document(refusal, session, hint))
    else:
        name = " ".join(filter(None, (refusal.code.name, refusal.reason)))
        click.echo(clean(f"calguard: {name}: {told(refusal, session)}{_advice(refusal)}"), err=True)
        if hint:
            click.echo(clean(hint), err=True)
    return EXIT_CODES.get(refusal.code, EXIT_REFUSED)


def report_usage(message: str) -> int:
    """Tell of wrong usage in JSON; answer the exit code."""
    _print_error({"code": "USAGE", "message": message})
    return EXIT_USAGE


def report_unwritten(error: OSError, *, as_json: bool) -> int:
    """Tell that the output cannot be written; answer the exit code."""
    message = f"the output cannot be written: {error.strerror or error}"
    if as_json:
        _print_error({"code": "OUTPUT", "message": message})
    else:
        click.echo(f"calguard: {message}", err=True)
    return EXIT_UNWRITTEN


def _document(refusal: Refusal, session: Session, hint: str) -> dict[str, object]:
    return {
        "code": refusal.code.name,
        "reason": refusal.reason,
        "message": f"{told(refusal, session)}{_advice(refusal)}",
        "fields": [{"field": each.field, "description": each.description} for each in refusal.fields],
        "metadata": dict(refusal.metadata),
        "hint": hint,
    }


def _print_error(error: dict[str, object]) -> None:
    click.echo(json.dumps({"error": error}), err=True)


def told(refusal: Refusal, session: Session) -> str:
    """Tell why a call failed, in a sentence."""
    if refusal is SILENT:
        return refusal.message
    if refusal.fields:
        return "; ".join(f"{each.field}: {each.description}" for each in refusal.fields)
    if refusal.reason == "TOKEN_MISSING":
        return f"{session.server} lets in nobody without a token: set {TOKEN_VARIABLE}, or name an --auth-token-file"
    if refusal.reason:
        return refusal.message
    if refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"no answer from {session.server} within {session.timeout.total_seconds():g} s (--timeout)"
    if refusal.code is grpc.StatusCode.UNAVAILABLE:
        why = refusal.message.rsplit(": ", 1)[-1].rstrip("]")
        return f"cannot reach a server at {session.server} ({why})"
    return refusal.message


def _advice(refusal: Refusal) -> str:
    unreached = refusal.code is grpc.StatusCode.UNAVAILABLE and not refusal.reason
    return "; `make serve` starts one" if unreached else ""
