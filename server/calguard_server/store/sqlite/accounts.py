"""Reading accounts."""

import json
from collections.abc import Collection

from calguard_server.domain.account import Account
from calguard_server.store.rows.accounts import account_of
from calguard_server.store.sqlite.base import Base


class AccountCalls(Base):
    """Accounts."""

    async def account(self, account_id: str) -> Account | None:
        """Read an account."""
        return (await self.accounts_by_id([account_id])).get(account_id)

    async def accounts(self, after: str, limit: int, within: Collection[str] = ()) -> list[Account]:
        """List accounts."""
        return await self._all(account_of, "accounts_after", after, limit, json.dumps(sorted(within)))

    async def accounts_by_id(self, ids: Collection[str]) -> dict[str, Account]:
        """Read the accounts that exist among the ids."""
        found = await self._all(account_of, "accounts_by_id", json.dumps(list(ids)))
        return {account.id: account for account in found}
