"""A booking service asks from memory whether a page accepts bookings: `accepting.py` without asyncio.

    python examples/accepting_sync.py 127.0.0.1:50051

A thread keeps the mirror up to date; any other thread may ask it.
"""

import sys
from contextlib import suppress
from datetime import timedelta

from calguard.v1.watch_pb2 import RESOURCE_KIND_BOOKING_PAGE, WatchRequest
from calguard_client import Client


def main(address: str) -> None:
    """Answer until the input ends."""
    pages = WatchRequest(kinds=[RESOURCE_KIND_BOOKING_PAGE])
    with Client(address) as client, client.mirror(pages) as mirror:
        mirror.wait_ready(timedelta(seconds=30))
        print(f"{len(mirror.pages())} pages are known", flush=True)
        while page_id := sys.stdin.readline().strip():
            acceptance = mirror.accepting(page_id)
            told = "choose a time" if acceptance else f"no bookings: {acceptance.value}"
            print(f"{page_id}: {told}", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(sys.argv[1])
