"""The sandbox with as many Google accounts as its argument says, each of which has granted access. Run as a process.

It prints one line of JSON: the settings that point a server at it, its control API, and each account's tokens.
"""

import asyncio
import json
import sys

import aiohttp
import uvloop

from calguard_sandbox import Sandbox, SandboxOptions
from tests.contract.google_client import Browser


def address(number: int) -> str:
    """Answer an account's e-mail address, which is its primary calendar's id."""
    return f"account-{number}@example.com"


async def _serve(accounts: int) -> None:
    async with Sandbox(SandboxOptions()) as sandbox:
        async with aiohttp.ClientSession() as session:
            browser, tokens = Browser(sandbox, session), []
            for number in range(accounts):
                sandbox.google.add_user(address(number))
                granted = await browser.grant(address(number))
                tokens.append((granted["refresh_token"], granted["access_token"]))
        told = {"environment": sandbox.server_environment(), "control": sandbox.control_url, "tokens": tokens}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
