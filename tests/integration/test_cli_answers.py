"""How `calguard` tells answers that a real server does not give on demand: hostile texts, silence, colours."""
# ruff: noqa: N802 - the methods are named by the contract

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from calguard.v1 import (
    account_pb2,
    account_pb2_grpc,
    booking_page_pb2,
    booking_page_pb2_grpc,
    explanation_pb2,
    watch_pb2,
    watch_pb2_grpc,
)
from tests.integration.cli_harness import BINARIES, run, running

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]Ann[/red] :smile:\r\n\u202eroot\x9b31m"
HARMLESS = "]0;owned[2J[red]Ann[/red] :smile:  root31m"
LONG_ID = "p" + "0" * 62


class CannedAccounts(account_pb2_grpc.AccountServiceServicer):
    """Answers with a hostile name, and refuses with a hostile text."""

    def GetAccount(
        self, _request: account_pb2.GetAccountRequest, _context: grpc.ServicerContext
    ) -> account_pb2.GetAccountResponse:
        return account_pb2.GetAccountResponse(account=account_pb2.Account(id="ann", display_name=HOSTILE))

    def ListAccounts(
        self, _request: account_pb2.ListAccountsRequest, _context: grpc.ServicerContext
    ) -> account_pb2.ListAccountsResponse:
        return account_pb2.ListAccountsResponse(accounts=[account_pb2.Account(id="ann", display_name=HOSTILE)])

    def DeleteAccount(
        self, _request: account_pb2.DeleteAccountRequest, context: grpc.ServicerContext
    ) -> account_pb2.DeleteAccountResponse:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff no status"),))
        context.abort(grpc.StatusCode.INTERNAL, HOSTILE)


class CannedPages(booking_page_pb2_grpc.BookingPageServiceServicer):
    """Answers with a stopped page."""

    def ListBookingPages(
        self, _request: booking_page_pb2.ListBookingPagesRequest, _context: grpc.ServicerContext
    ) -> booking_page_pb2.ListBookingPagesResponse:
        page = booking_page_pb2.BookingPage(
            id=LONG_ID,
            title=HOSTILE,
            owner_account_id=LONG_ID,
            state=booking_page_pb2.BOOKING_PAGE_STATE_STOPPED,
            stop_cause=99,  # type: ignore[arg-type]  # of a server that is newer
        )
        return booking_page_pb2.ListBookingPagesResponse(booking_pages=[page])

    def ExplainBookingPage(
        self, _request: booking_page_pb2.ExplainBookingPageRequest, _context: grpc.ServicerContext
    ) -> booking_page_pb2.ExplainBookingPageResponse:
        """Explain it with a hostile id, and with words of a server that is newer."""
        answer = booking_page_pb2.ExplainBookingPageResponse(booking_page={"id": HOSTILE}, notice_reason=99)
        answer.verdict.reason = 98  # type: ignore[assignment]
        answer.members.add(account_id=HOSTILE, condition=explanation_pb2.MEMBER_CONDITION_FAULTY, reason=97)
        answer.notices.add(kind=96).recipients.add(account_id="ann", channels=[1, 95])
        return answer


class CannedWatch(watch_pb2_grpc.WatchServiceServicer):
    """Ends the stream after one message, whose token follows upon the one that was sent back."""

    def Watch(
        self, request: watch_pb2.WatchRequest, _context: grpc.ServicerContext
    ) -> Iterator[watch_pb2.WatchResponse]:
        last = request.resume_token
        yield watch_pb2.WatchResponse(resume_token=f"t{int(last[1:]) + 1}" if last else "t0", progress=True)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server with canned answers."""
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        account_pb2_grpc.add_AccountServiceServicer_to_server(CannedAccounts(), server)
        booking_page_pb2_grpc.add_BookingPageServiceServicer_to_server(CannedPages(), server)
        watch_pb2_grpc.add_WatchServiceServicer_to_server(CannedWatch(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(None).wait()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def on_terminal(server: str, *arguments: str, columns: int = 200, **environment: str) -> str:
    """Run the command on a terminal; answer all that it wrote there."""
    terminal, end = os.openpty()
    settings = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": str(columns), "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        [str(BINARIES / "calguard"), "--server", server, *arguments], env=settings | environment, stdout=end, stderr=end
    ):
        os.close(end)
        with open(terminal, "rb") as reader:  # noqa: PTH123 - a descriptor, not a path
            return _read_all(reader.fileno()).decode()


def _read_all(descriptor: int) -> bytes:
    """Read until the other end of a terminal is closed, which Linux tells as an error."""
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except OSError:
        pass
    return b"".join(chunks)


@pytest.mark.parametrize("command", [("accounts", "list"), ("accounts", "get", "ann")])
def test_hostile_names_neither_steer_the_terminal_nor_style_the_text(server: str, command: tuple[str, ...]) -> None:
    piped = run(*command, server=server).stdout
    assert HARMLESS in piped
    assert HARMLESS in re.sub(r"\x1b\[[\d;]*m", "", on_terminal(server, *command))
    assert not set("\x1b\x07\x9b\u202e\r") & set(piped)


def test_json_holds_hostile_names_as_they_are_escaped(server: str) -> None:
    printed = run("--json", "accounts", "get", "ann", server=server).stdout
    assert json.loads(printed)["display_name"] == HOSTILE
    assert printed.isascii()
    assert "\x1b" not in printed


def test_a_refusal_without_details_is_told_by_its_text(server: str) -> None:
    refused = run("accounts", "delete", "ann", server=server)
    assert (refused.exit_code, refused.stderr) == (1, f"calguard: INTERNAL: {HARMLESS}\n")


def test_states_are_coloured_on_a_terminal_only(server: str) -> None:
    red = "\x1b[1;31mSTOPPED"
    assert red in on_terminal(server, "pages", "list")
    assert "\x1b[1mSTOPPED" in on_terminal(server, "pages", "list", NO_COLOR="1")
    piped = run("pages", "list", server=server).stdout
    assert "STOPPED" in piped
    assert "\x1b" not in piped


def test_a_row_is_a_line_in_a_pipe_and_names_from_the_future_are_numbers(server: str) -> None:
    rows = run("pages", "list", server=server).stdout.splitlines()
    assert len(rows) == 2
    assert rows[1].startswith(f"{LONG_ID}  STOPPED  99 ")
    assert rows[1].endswith(LONG_ID)


def test_an_explanation_of_a_newer_server_is_told_as_far_as_it_is_known(server: str) -> None:
    told = run("pages", "explain", "page", server=server).stdout
    assert f"booking page   {HARMLESS}\n" in told
    assert "rule           98\n" in told
    assert "would be told  those below; 99\n" in told
    assert f"{HARMLESS}  FAULTY     97   no " in told
    assert "96      ann  EMAIL, 95  -\n" in told
    assert "\x1b[1;31mFAULTY" in on_terminal(server, "pages", "explain", "page")


def test_a_narrow_terminal_shows_ids_whole_and_names_what_it_leaves_out(server: str) -> None:
    told = on_terminal(server, "pages", "list", columns=80, NO_COLOR="1")
    assert LONG_ID in told
    assert "no room for: stop cause, title, faulty, mode, members, owner" in told


def test_nobody_at_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    for command in (("accounts", "list"), ("watch",)):
        result = run(*command, server=address)
        assert result.exit_code == 5
        assert result.stderr == (
            f"calguard: UNAVAILABLE: cannot reach a server at {address} (Connection refused); `make serve` starts one\n"
        )


def test_a_server_that_does_not_answer_in_time(silent: str) -> None:
    """Connecting may take as long as a call: which of the two is over first is chance."""
    late = run("--timeout", "200ms", "accounts", "list", server=silent)
    assert late.exit_code == 5
    assert late.stderr.startswith(
        (
            f"calguard: DEADLINE_EXCEEDED: no answer from {silent} within 0.2 s (--timeout)\n",
            f"calguard: UNAVAILABLE: cannot reach a server at {silent} (connection attempt timed out",
        )
    )


def test_a_watch_gives_up_connecting_after_the_timeout(silent: str) -> None:
    late = run("--json", "--timeout", "200ms", "watch", server=silent)
    assert late.exit_code == 5
    assert json.loads(late.stderr)["error"]["code"] == "UNAVAILABLE"


def test_a_watch_that_the_server_ends_in_good_order_goes_on_without_a_word(server: str) -> None:
    with running("calguard", "--server", server, "--json", "watch", "--no-snapshot") as watch:
        for token in ("t0", "t1", "t2"):
            line = json.loads(watch.read_until("PROGRESS")[-1])
            assert (line["event"], line["resume_token"]) == ("PROGRESS", token)
        watch.signal(signal.SIGINT)
        assert watch.wait() == (130, "")
