"""The `calguard` command, run on the real `calguard-server` and `calguard-sandbox`, each a process of its own."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from calguard_client.cli import main
from tests.leaks import emitted
from tests.patience import PATIENCE_SECONDS

BINARIES = Path(sys.executable).parent
_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CALGUARD_")}


class Program:
    """A process that is running; what it prints is read as it comes."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [str(BINARIES / arguments[0]), *arguments[1:]],
            env=_ENVIRONMENT | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._name = arguments[0]
        self._lines: queue.Queue[str] = queue.Queue()
        self._printed: list[str] = []
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=_pass_on, args=(self._process.stdout, self._take)),
            threading.Thread(target=_pass_on, args=(self._process.stderr, self._errors.append)),
        ]
        for reader in self._readers:
            reader.start()

    def _take(self, line: str) -> None:
        self._printed.append(line)
        self._lines.put(line)

    def read_until(self, pattern: str) -> list[str]:
        """Read lines up to the first that has the pattern."""
        lines = [self._next_line(pattern)]
        while re.search(pattern, lines[-1]) is None:
            lines.append(self._next_line(pattern))
        return lines

    def _next_line(self, pattern: str) -> str:
        try:
            return self._lines.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise AssertionError(f"no {pattern!r} in:\n{''.join(self._printed)}{''.join(self._errors)}") from None

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> tuple[int, str]:
        """Answer the exit code and what was written to stderr, once it has ended."""
        code = self._process.wait(PATIENCE_SECONDS)
        for reader in self._readers:
            reader.join(PATIENCE_SECONDS)
        if self._name != "calguard-sandbox":  # which prints the settings of a server
            emitted("standard output", "".join(self._printed))
            emitted("standard error", "".join(self._errors))
        return code, "".join(self._errors)

    def stop(self) -> None:
        self._process.terminate()
        self.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


@dataclass(slots=True)
class Calguard:
    """A running server and the Google behind it."""

    server: Program
    address: str
    control_url: str
    _start_server: Callable[[str], Program]

    def run(self, *arguments: str, stdin: str = "") -> Result:
        return run(*arguments, server=self.address, stdin=stdin)

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - as JSON is
        """Run with --json what is expected to be done."""
        result = self.run("--json", *arguments)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def stop_server(self) -> None:
        """Stop the server in good order."""
        self.server.signal(signal.SIGTERM)
        assert self.server.wait() == (0, "")

    def start_server(self) -> None:
        """Start it again, at the same address, on the same database."""
        self.server = self._start_server(self.address)
        self.server.read_until("listening on")

    def consent(self, authorization_url: str, email: str) -> str:
        """Consent in a browser; answer the address to which Google sends it."""
        answer = self.control("POST", "/google/consent", authorization_url=authorization_url, email=email)
        return str(answer["redirect_url"])

    def revoke(self, email: str) -> None:
        """Remove the app's access at Google."""
        self.control("POST", f"/google/users/{email}/revoke")

    def control(self, method: str, path: str, **body: object) -> Any:  # noqa: ANN401 - as JSON is
        """Steer Google."""
        request = urllib.request.Request(self.control_url + path, json.dumps(body).encode(), method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def run(*arguments: str, server: str = "", stdin: str = "") -> Result:
    """Run the command without a terminal; what it did not foresee is raised here."""
    environment: dict[str, str | None] = {"CALGUARD_SERVER": server or None, "NO_COLOR": None, "FORCE_COLOR": None}
    result = CliRunner().invoke(main, arguments, input=stdin, env=environment, prog_name="calguard")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    emitted("the command's output", result.output)
    return result


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Program]:
    """Run a program until the block ends."""
    program = Program(arguments, environment)
    try:
        yield program
    finally:
        program.stop()


@contextmanager
def running_calguard(folder: Path, **settings: str) -> Iterator[Calguard]:
    """Run a server with an empty database, and a Google of its own."""
    with ExitStack() as stack:
        ports = [f"--{surface}-port=0" for surface in ("google", "slack", "smtp", "control")]
        sandbox = stack.enter_context(running("calguard-sandbox", *ports))
        told = "".join(sandbox.read_until("CALGUARD_SMTP_URL"))
        environment = dict(re.findall(r"export (\w+)='?([^'\n]+)'?", told)) | {
            "CALGUARD_HTTP_LISTEN": "",
            "CALGUARD_GOOGLE_REDIRECT_URI": "http://127.0.0.1:1/callback",
            "CALGUARD_TOKEN_KEYS": Fernet.generate_key().decode(),
            "CALGUARD_DATABASE_URL": f"sqlite:///{folder / 'calguard.db'}",
            "CALGUARD_NOTICE_GROUP_WAIT": "0s",
            **settings,
        }

        def start_server(listen: str) -> Program:
            return stack.enter_context(running("calguard-server", **environment, CALGUARD_LISTEN=listen))

        server = start_server("127.0.0.1:0")
        address = re.search(r"listening on ([\d.]+:\d+)", server.read_until("listening on")[-1])
        control = re.search(r"control listening on (\S+)", told)
        assert address is not None
        assert control is not None
        yield Calguard(server, address[1], control[1], start_server)


def _pass_on(stream: IO[str], take: Any) -> None:  # noqa: ANN401 - any function of a line
    for line in stream:
        take(line)
