"""Connecting a calendar at a server that may be killed at any moment."""

import grpc.aio

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_client.refusal import Refusal
from calguard_sandbox import Sandbox
from tests.crash.battered import BatteredServer
from tests.e2e.stubs import query_of

_BACK = "http://127.0.0.1:9/back"


async def connect(server: BatteredServer, sandbox: Sandbox, account_id: str, link_id: str) -> links_pb.CalendarLink:
    """Consent at Google until a link has come of it; an attempt that a kill broke off is begun again."""
    wish = links_pb.BeginCalendarLinkRequest(
        account_id=account_id, calendar_link_id=link_id, redirect_uri=_BACK, select_primary=True
    )
    while True:
        begun = await server.call(lambda stubs: stubs.links.BeginCalendarLink(wish))
        code = query_of(await sandbox.consent(begun.authorization_url, f"{account_id}@example.com"))["code"]
        try:
            return await server.call(lambda stubs: stubs.complete(begun.state, code))  # noqa: B023 - awaited here
        except grpc.aio.AioRpcError as error:
            if Refusal.of(error).reason != "STATE_USED":  # the one refusal that a kill explains
                raise
