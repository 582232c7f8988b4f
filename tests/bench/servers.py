"""The servers that are measured, each a process of its own on loopback."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from tests.e2e.server_process import COMMAND, ENVIRONMENT

_READY_SECONDS = 30
_LISTENING = re.compile(r'listening on ([^\s"]+:\d+)')


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves gRPC."""

    address: str
    pid: int

    @property
    def resident(self) -> int:
        """How much memory it holds, in bytes."""
        return resident(self.pid)

    @property
    def cpu_seconds(self) -> float:
        """How much processor time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime


def resident(pid: int) -> int:
    """Read how much memory a process holds, in bytes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


@contextmanager
def calguard(settings: Mapping[str, str]) -> Iterator[Server]:
    """Run the real server, with settings as they are named without their prefix."""
    environment = ENVIRONMENT | {f"CALGUARD_{name}": value for name, value in settings.items()}
    with tempfile.NamedTemporaryFile("w+") as log:  # a pipe that is not read would stop it before long
        process = subprocess.Popen([COMMAND], env=environment, stdout=log, stderr=log, text=True)
        with _running(process):
            yield Server(_listening(process, Path(log.name)), process.pid)


def _listening(process: subprocess.Popen[str], log: Path) -> str:
    """Wait until a server of ours listens; its address. Raises RuntimeError with its log."""
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := _LISTENING.search(log.read_text()):
            return found[1]
        time.sleep(0.02)  # noqa: TID251 - a measurement runs in real time
    raise RuntimeError(log.read_text())


@contextmanager
def bare(answer: bytes) -> Iterator[Server]:
    """Run the bare grpc.aio server, which answers each call so."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(answer)
        file.flush()
        with _module("bare_server", file.name) as server:
            yield server


@contextmanager
def bare_assigning(endpoint: str, members: Iterable[tuple[str, str]]) -> Iterator[Server]:
    """Run the bare server that asks Google and writes a row; members are calendars with access tokens."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "members"
        told.write_text(json.dumps(list(members)))
        with _module("bare_assigning", endpoint, folder) as server:
            yield server


@contextmanager
def sandbox(accounts: int) -> Iterator[Any]:
    """Run the sandbox, with so many Google accounts; what it tells of itself."""
    with _printing("sandbox_google", str(accounts)) as (line, _):
        yield json.loads(line)


@contextmanager
def _module(name: str, *arguments: str) -> Iterator[Server]:
    """Run a module of this package that prints its port."""
    with _printing(name, *arguments) as (line, pid):
        yield Server(f"127.0.0.1:{int(line)}", pid)


@contextmanager
def _printing(name: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """Run a module of this package that prints one line when it is ready; the line, and its process."""
    command = [sys.executable, "-m", f"tests.bench.{name}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with _running(process):
        assert process.stdout is not None
        yield process.stdout.readline(), process.pid


def etcd_version() -> str:
    """The version of the etcd that is installed; empty where none is."""
    if (found := shutil.which("etcd")) is None:
        return ""
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    return told.splitlines()[0].rpartition(" ")[2]


@contextmanager
def etcd() -> Iterator[Server]:
    """Run an etcd of one member, as it is installed, with its data in a folder of its own."""
    client, peer = _free_port(), _free_port()
    with tempfile.TemporaryDirectory() as folder:
        urls = {"client": f"http://127.0.0.1:{client}", "peer": f"http://127.0.0.1:{peer}"}
        command = [
            "etcd",
            f"--data-dir={folder}/data",
            f"--listen-client-urls={urls['client']}",
            f"--advertise-client-urls={urls['client']}",
            f"--listen-peer-urls={urls['peer']}",
            f"--initial-advertise-peer-urls={urls['peer']}",
            f"--initial-cluster=default={urls['peer']}",
            "--log-level=error",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with _running(process):
            address = f"127.0.0.1:{client}"
            with grpc.insecure_channel(address) as channel:
                grpc.channel_ready_future(channel).result(_READY_SECONDS)
            yield Server(address, process.pid)


@contextmanager
def _running(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
