"""The story, act by act. It ends at the first claim that does not hold."""

from demo.acts import breaking, closing, crash, linking, opening, recovery
from demo.stage import Stage

_ACTS = (
    opening.start_everything,
    linking.link_accounts,
    linking.make_pages,
    linking.attach_watch,
    breaking.revoke_ann,
    breaking.revoke_ben,
    crash.kill_server,
    crash.restart_server,
    recovery.reconnect_unwatched,
    recovery.resume_watch,
    recovery.reconnect_watched,
    closing.close_story,
)


async def tell(stage: Stage) -> None:
    """Tell it. Raises Mismatch where something is not as claimed, and what gRPC and aiohttp raise."""
    stage.screen.title(
        "Calguard from end to end: two calendar links break, and come back.",
        "Google, Slack and mail are a local sandbox; everything happens as you read it.",
    )
    for act in _ACTS:
        await act(stage)
