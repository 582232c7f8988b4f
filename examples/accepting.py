"""A booking service asks from memory whether a page accepts bookings.

    python examples/accepting.py 127.0.0.1:50051

It reads ids of booking pages from its input, one a line, and answers each at once, without asking the server: a mirror
is kept up to date meanwhile. `accepting_sync.py` is the same without asyncio.
"""

import asyncio
import sys
from contextlib import suppress
from datetime import timedelta

from calguard.v1.watch_pb2 import RESOURCE_KIND_BOOKING_PAGE, WatchRequest
from calguard_client import Acceptance, AsyncClient, AsyncMirror


def answer(mirror: AsyncMirror, page_id: str) -> str:
    """Decide what a visitor of the page is told."""
    match mirror.accepting(page_id):
        case Acceptance.ACCEPTING:
            return "choose a time"
        case Acceptance.STOPPED:
            return "this page takes no bookings at the moment"
        case Acceptance.UNKNOWN_PAGE:
            return "there is no such page"
        case Acceptance.STALE | Acceptance.NOT_READY as why:
            # Not known: this service would rather not take a booking than take one that nobody can keep.
            return f"please try again later ({why.value})"


async def main(address: str) -> None:
    """Answer until the input ends."""
    pages = WatchRequest(kinds=[RESOURCE_KIND_BOOKING_PAGE])
    async with AsyncClient(address) as client, client.mirror(pages) as mirror:
        await mirror.wait_ready(timedelta(seconds=30))
        print(f"{len(mirror.pages())} pages are known", flush=True)
        while page_id := (await asyncio.to_thread(sys.stdin.readline)).strip():
            print(f"{page_id}: {answer(mirror, page_id)}", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1]))
