"""Slack's workspaces, and the messages that began a thread there."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from calguard_server.domain.conversation import Post
from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import SlackWorkspace
from calguard_server.store import deliveries
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.slack_workspaces import slack_workspace_of
from calguard_server.store.rows.values import Row, to_micros
from calguard_server.store.sqlite.base import Base
from calguard_server.store.vault import UnreadableError


class SlackCalls(Base):
    """Slack's workspaces and threads."""

    async def slack_workspaces(self) -> list[tuple[SlackWorkspace, Secret | None]]:
        """Read every Slack workspace, with its token where it can be read."""
        return await self._all(self._slack_workspace_of, "slack_workspaces")

    def _slack_workspace_of(self, row: Row) -> tuple[SlackWorkspace, Secret | None]:
        *_, sealed = row
        token: Secret | None = None
        if sealed is not None:
            with suppress(UnreadableError):
                token = self._vault.open(sealed)
        return slack_workspace_of(row), token

    async def slack_posts(self, incident_ids: Collection[str], recipient_account_id: str) -> dict[str, list[Post]]:
        """Read the messages that began a thread about the incidents."""
        return await self._readers.read(
            lambda connection: deliveries.slack_posts(connection, incident_ids, recipient_account_id)
        )

    async def slack_posts_over(self, limit: int) -> list[Post]:
        """Read messages that are to be marked as over."""
        return await self._readers.read(lambda connection: deliveries.slack_posts_over(connection, limit))

    async def slack_posts_marked(self, message_ids: Collection[str]) -> None:
        """Note that messages are marked as over."""
        rows = [(message_id,) for message_id in message_ids]
        await self.writer.submit(lambda connection: connection.executemany(QUERIES["slack_post_marked"], rows))

    async def wake_held(self, workspace_id: str, now: datetime) -> None:
        """Have what waits for a Slack workspace tried now."""
        values = (workspace_id, to_micros(now))
        await self.writer.submit(lambda connection: connection.execute(QUERIES["wake_held"], values))
