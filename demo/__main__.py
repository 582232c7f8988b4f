"""Run the demonstration. Exit codes: 0 every claim was verified; 1 one was not; 130 interrupted."""

import asyncio
import signal
import sys

import aiohttp
import grpc

from demo.claims import Mismatch
from demo.screen import Screen, make_console
from demo.stage import Stage
from demo.story import tell

EXIT_VERIFIED, EXIT_MISMATCH, EXIT_INTERRUPTED = 0, 1, 130
_TROUBLE = (Mismatch, grpc.RpcError, aiohttp.ClientError, OSError, TimeoutError)


async def run() -> int:
    """Tell the story; whatever was started is ended before this returns."""
    _end_in_order_when_interrupted()
    screen = Screen(make_console(), asyncio.get_running_loop().time)
    try:
        async with Stage(screen) as stage:
            return await _perform(stage)
    except asyncio.CancelledError:
        screen.say("ended", "interrupted; what was started is ended, and its files are removed")
        return EXIT_INTERRUPTED


async def _perform(stage: Stage) -> int:
    try:
        await tell(stage)
    except _TROUBLE as trouble:
        stage.screen.trouble(trouble, stage.log.tail())
        return EXIT_MISMATCH
    return EXIT_VERIFIED


def _end_in_order_when_interrupted() -> None:
    """The first signal ends the story; later ones do not disturb the cleaning up."""
    loop, story = asyncio.get_running_loop(), asyncio.current_task()
    struck = asyncio.Event()

    def strike() -> None:
        if story is not None and not struck.is_set():
            struck.set()
            story.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, strike)


if __name__ == "__main__":
    sys.exit(asyncio.run(run()))
