"""Reading links and their grants."""

import json
import sqlite3
from collections.abc import Collection
from contextlib import suppress

from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.ports.filters import LinkFilter
from calguard_server.engine.ports.grants import Grant, GrantUnreadableError
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.links import link_of
from calguard_server.store.rows.values import Row, from_list
from calguard_server.store.sqlite.base import Base
from calguard_server.store.vault import UnreadableError, Vault


class LinkCalls(Base):
    """Links, and the grants that they rest on."""

    async def link(self, link_id: str) -> CalendarLink | None:
        """Read a link."""
        row = await self._one("links_by_id", json.dumps([link_id]))
        return None if row is None else link_of(row)

    async def links(self, chosen: LinkFilter, after: str, limit: int) -> list[CalendarLink]:
        """List links."""
        states = json.dumps(sorted(chosen.states))
        return await self._all(
            link_of, "links_after", after, limit, chosen.account_id, states, json.dumps(sorted(chosen.within))
        )

    async def links_of_account(self, account_id: str) -> list[CalendarLink]:
        """List all links of an account."""
        return await self._all(link_of, "links_by_account", json.dumps([account_id]))

    async def grant(self, link_id: str) -> Grant | None:
        """Read a link's grant."""
        row = await self._one("grant_by_link", link_id)
        if row is None:
            return None
        try:
            return Grant(self._vault.open(row[0]), from_list(row[1]), row[2])
        except UnreadableError:
            raise GrantUnreadableError from None

    async def usable_grants(self, link_ids: Collection[str]) -> dict[str, Grant]:
        """Read the grants that can be read."""
        named = json.dumps(list(link_ids))
        return await self._readers.read(lambda connection: _usable_grants(connection, self._vault, named))

    async def links_with_grant_of(self, subject: str) -> list[str]:
        """Name the links that hold a grant of a Google account."""
        return await self._all(_first, "links_with_grant_of", subject)


def _usable_grants(connection: sqlite3.Connection, vault: Vault, named: str) -> dict[str, Grant]:
    found = {}
    for link_id, sealed, scopes, subject in connection.execute(QUERIES["grants_by_links"], (named,)):
        with suppress(UnreadableError):
            found[link_id] = Grant(vault.open(sealed), from_list(scopes), subject)
    return found


def _first(row: Row) -> str:
    return str(row[0])
