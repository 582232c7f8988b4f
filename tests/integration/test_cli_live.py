"""`calguard watch` and `calguard top` on a real terminal: what is drawn there, and what is left behind."""

import signal
from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from tests.integration.cli_harness import Calguard, running_calguard
from tests.integration.terminal import ALTERNATE, BACK, CURSOR_BACK, on_terminal

HOSTILE = "山田 [red]x[/red] :smile:"


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        calguard.json("accounts", "create", "--id", "ann", "--name", "Ann")
        yield calguard


@pytest.fixture
def calguard(running_server: Calguard) -> Iterator[Calguard]:
    """A server with two new pages; one title is hostile."""
    for page, title in (("board", "Board"), ("intro", HOSTILE)):
        running_server.json(
            "pages", "create", "--id", page, "--owner", "ann", "--title", title, "--scheduling-mode", "ALL_MEMBERS"
        )
    yield running_server
    for page in ("board", "intro"):
        running_server.json("pages", "delete", page)


def test_a_terminal_shows_a_table_that_keeps_up(calguard: Calguard) -> None:
    """As it stands, then as it changes, and through a restart; ctrl-C puts back what was there before."""
    with on_terminal("calguard", "--server", calguard.address, "watch", columns=100) as terminal:
        before = terminal.picture("intro .* LINKED")
        assert before[0].startswith(f"watching {calguard.address}  revision ")
        assert before[1].strip() == "no links    2 pages: 2 LINKED"
        assert before[3].split() == ["KIND", "ID", "STATE", "SINCE", "CAUSE", "ABOUT"]
        assert [line.split()[:3] for line in before[4:6]] == [["page", "intro", "LINKED"], ["page", "board", "LINKED"]]
        assert before[4].endswith(HOSTILE)
        assert len(before) <= 24

        calguard.run("pages", "stop", "board")
        stopped = terminal.styled_picture(r"board .* STOPPED .* LINKED -> STOPPED")
        rows = [line for line in stopped if "board" in line]
        assert "\x1b[1;31mSTOPPED" in rows[0]
        assert "> page" in rows[0]
        assert terminal.picture(r"last: [\d:]{8} page board LINKED -> STOPPED OWNER")[1].strip() == (
            "no links    2 pages: 1 LINKED, 1 STOPPED"
        )

        calguard.stop_server()
        gone = terminal.picture(r"reconnecting.*; so it stood \d+s ago")
        assert any("board" in line and "STOPPED" in line for line in gone)
        calguard.start_server()
        calguard.run("pages", "resume", "board")
        terminal.picture(r"watching .*(?s:.)*STOPPED -> LINKED")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.written.startswith(ALTERNATE)
        assert terminal.written.index(BACK) > terminal.written.rindex("STOPPED")
        assert CURSOR_BACK in terminal.written


def test_no_line_is_wider_than_a_narrow_terminal(calguard: Calguard) -> None:
    with on_terminal("calguard", "--server", calguard.address, "watch", columns=40, rows=10) as terminal:
        drawn = terminal.picture("intro")
        assert len(drawn) <= 10
        assert max(map(cell_len, drawn)) <= 40


def test_ending_it_puts_the_terminal_back(calguard: Calguard) -> None:
    for command in ("watch", "top"):
        with on_terminal("calguard", "--server", calguard.address, command) as terminal:
            terminal.picture(r"2 pages|booking pages +2")
            terminal.signal(signal.SIGTERM)
            assert terminal.wait() == 143
            assert terminal.written.rindex(BACK) > terminal.written.rindex(ALTERNATE)


@pytest.mark.parametrize("jobs", ["set -m;", ""])
def test_a_job_in_the_background_leaves_the_terminal_alone(calguard: Calguard, jobs: str) -> None:
    """It prints lines there, in a shell that controls jobs and in a script that does not."""
    script = f"{jobs} calguard --server {calguard.address} watch & wait"
    with on_terminal("bash", "-c", script) as terminal:
        told = terminal.read_until("changes follow")
        assert "snapshot  page  board" in told
        assert ALTERNATE not in terminal.written


def test_lines_are_had_on_a_terminal_too(calguard: Calguard) -> None:
    with on_terminal("calguard", "--server", calguard.address, "watch", "--lines") as terminal:
        assert "snapshot  page  board" in terminal.read_until("changes follow")
        assert ALTERNATE not in terminal.written


def test_a_table_may_be_suspended(calguard: Calguard) -> None:
    """ctrl-Z gives the terminal back to the shell, and fg draws the table again."""
    with on_terminal("bash", "--norc", "--noprofile", "-i") as terminal:
        terminal.type(f"calguard --server {calguard.address} watch\n")
        terminal.picture("2 pages")
        terminal.type("\x1a")
        terminal.read_until("Stopped")
        assert terminal.written.rindex(BACK) > terminal.written.rindex(ALTERNATE)
        terminal.written = ""
        terminal.type("fg\n")
        terminal.picture("2 pages")
        assert ALTERNATE in terminal.written
        terminal.type("\x03")
        terminal.read_until(r"\?1049l")


def test_an_address_where_nobody_is_fails_as_ever() -> None:
    for command in ("watch", "top"):
        with on_terminal("calguard", "--server", "127.0.0.1:1", command) as terminal:
            assert terminal.wait() == 5
            assert "cannot reach a server" in terminal.written
            assert ALTERNATE not in terminal.written


def test_a_terminal_shows_an_overview_that_keeps_up(calguard: Calguard) -> None:
    with on_terminal("calguard", "--server", calguard.address, "top", "--interval", "500ms") as terminal:
        terminal.picture(r"booking pages +2 +2 LINKED")
        calguard.run("pages", "stop", "board")
        drawn = terminal.picture(r"booking pages +2 +1 LINKED +0 DEGRADED +1 STOPPED(?s:.)*a second")
        assert drawn[0] == f"calguard top  {calguard.address}  every 0.5 s"
        calguard.stop_server()
        terminal.picture("no answer, shown as it was last: ")
        terminal.written = ""
        calguard.start_server()
        terminal.picture(r"every 0.5 s(?s:.)*1 STOPPED")
        terminal.type("\x03")
        assert terminal.wait() == 130
