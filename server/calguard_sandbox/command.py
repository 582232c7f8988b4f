"""What `calguard-sandbox` does: run the sandbox until SIGTERM or SIGINT."""

import argparse
import asyncio
import shlex
import signal
import sys
from importlib.metadata import version

from calguard_sandbox.options import SandboxOptions
from calguard_sandbox.sandbox import Sandbox

HIGHEST_PORT = 65535


def run() -> int:
    """Run the command; the exit status."""
    try:
        options = parse_options(sys.argv[1:])
    except ValueError as error:
        sys.stderr.write(f"calguard-sandbox: {error}\n")
        return 2
    try:
        asyncio.run(serve(options))
    except OSError as error:
        sys.stderr.write(f"calguard-sandbox: cannot listen: {error.strerror or error}\n")
        return 1
    return 0


def parse_options(arguments: list[str]) -> SandboxOptions:
    """The options of a command line. Raises ValueError for a host that is not loopback."""
    parser = argparse.ArgumentParser(
        prog="calguard-sandbox", description="A local Google, Slack and SMTP, with faults on demand."
    )
    parser.add_argument("--version", action="version", version=f"calguard-sandbox, version {version('calguard')}")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    for surface, port in {"google": 9001, "slack": 9002, "smtp": 9025, "control": 9000}.items():
        parser.add_argument(f"--{surface}-port", type=_port, default=port, help=f"{port}; 0 is any free one")
    parser.add_argument("--seed", help="fixes every id and token")
    parser.add_argument("--smtp-starttls", action="store_true", help="require STARTTLS, with a self-made certificate")
    parser.add_argument("--smtp-user", help="require this user")
    parser.add_argument("--smtp-password", help="and this password")
    return SandboxOptions(**vars(parser.parse_args(arguments)))


async def serve(options: SandboxOptions) -> None:
    """Run until told to stop."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Sandbox(options) as sandbox:
        sys.stdout.write(announcement(sandbox))
        sys.stdout.flush()
        await stopped.wait()


def announcement(sandbox: Sandbox) -> str:
    """One line for each listener, and the exports that point a server at them."""
    listening = {
        "google": sandbox.google_url,
        "slack": sandbox.slack_url,
        "smtp": f"smtp://{sandbox.options.url_host}:{sandbox.smtp_port}",
        "control": sandbox.control_url,
    }
    lines = [f"{name} listening on {url}" for name, url in listening.items()]
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sandbox.server_environment().items()]
    return "\n".join([*lines, *exports, ""])


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to {HIGHEST_PORT}, not {text!r}")
    return int(text)
