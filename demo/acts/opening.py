"""Act 1: the sandbox and the server are started."""

import shlex

from demo.child import Child
from demo.control import Control
from demo.inbox import Inbox
from demo.log import Log
from demo.server import CHECK_INTERVAL, GROUP_WAIT, Server, outer_environment
from demo.stage import Stage

_PORTS = ("google", "slack", "smtp", "control")
_CONTROL = "control listening on "
_LAST_EXPORT = "export CALGUARD_SMTP_URL="


async def start_everything(stage: Stage) -> None:
    """Start both processes and say where they are."""
    stage.screen.act("1. What is started")
    sandbox = await _start_sandbox(stage)
    await _start_server(stage, sandbox)


async def _start_sandbox(stage: Stage) -> dict[str, str]:
    arguments = [part for port in _PORTS for part in (f"--{port}-port", "0")]
    log = Log(stage.folder / "sandbox.log")
    child = await Child.start("calguard-sandbox", arguments, outer_environment(), log)
    stage.endings.push_async_callback(child.stop)
    await child.wait_for_line(_LAST_EXPORT)
    control_url = (await child.wait_for_line(_CONTROL)).removeprefix(_CONTROL)
    stage.control = Control(stage.http, control_url)
    stage.inbox = Inbox(stage.control)
    stage.screen.say("sandbox", f"process {child.pid}: stands in for Google, Slack and a mail server")
    return dict(_assignments(child.lines))


def _assignments(lines: list[str]) -> list[tuple[str, str]]:
    exports = (shlex.split(line)[1].partition("=") for line in lines if line.startswith("export "))
    return [(name, value) for name, _, value in exports]


async def _start_server(stage: Stage, sandbox: dict[str, str]) -> None:
    stage.server = Server(stage.folder, stage.log, sandbox)
    stage.endings.push_async_callback(stage.server.stop)
    await stage.server.start()
    stage.screen.say("server", f"process {stage.server.pid}: calguard-server, gRPC on {stage.server.address}")
    stage.screen.more(
        f"database {stage.server.database}",
        f"checks each calendar link every {CHECK_INTERVAL} (by default 10m)",
        f"waits {GROUP_WAIT} for notices to put into one message (by default 5s)",
        style="dim",
    )
