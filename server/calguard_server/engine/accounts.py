"""Use cases of accounts."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from calguard_server.domain.account import Account
from calguard_server.domain.errors import AlreadyExistsError, FailedPreconditionError
from calguard_server.domain.etags import require_etag
from calguard_server.domain.webhook import Webhook, WebhookWish, webhook_after
from calguard_server.engine.attempts import supersede_all_of
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_account
from calguard_server.engine.locks import LinkLocks
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.requests import Request, refuse_replay_of
from calguard_server.engine.revoking import GrantRevoker, Revocation, Taken, worst_of
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.slack_addresses import require_workspace, workspaces_of
from calguard_server.engine.waiting import to_the_end
from calguard_server.engine.working_set import Unit, WorkingSet

_NAMED_PAGES = 20
"""How many pages an error names at most."""


class Accounts:
    """Creates, changes and deletes accounts."""

    def __init__(self, context: Context, revoker: GrantRevoker, locks: LinkLocks) -> None:
        self._context = context
        self._revoker = revoker
        self._locks = locks

    async def get(self, account_id: str) -> Account:
        """Answer an account. Raises NotFoundError."""
        return found_account(await self._context.store.account(account_id), account_id)

    async def list(self, after: str, limit: int, within: Collection[str] = ()) -> list[Account]:
        """List accounts with ids after the one given, of those of `within` where it is not empty."""
        return await self._context.store.accounts(after, limit, within)

    async def create(
        self, account: Account, request: Request | None = None, webhook: WebhookWish | None = None
    ) -> Account:
        """Create an account; an empty id is replaced by a new one.

        Raises AlreadyExistsError `ACCOUNT_EXISTS`, FailedPreconditionError `SLACK_WORKSPACE_MISSING`,
        InvalidArgumentError where a webhook has no secret.
        """
        now = self._context.clock.now()
        account_id = account.id or self._context.new_id("account")
        wish = webhook or WebhookWish()
        created = replace(
            account,
            id=account_id,
            revision=1,
            create_time=now,
            update_time=now,
            webhook=webhook_after(Webhook(), wish),
        )

        def decide(rows: WorkingSet) -> Account:
            if rows.accounts.get(account_id) is not None:
                raise AlreadyExistsError(
                    "ACCOUNT_EXISTS", f"there is an account {account_id} already", metadata={"id": account_id}
                )
            require_workspace(rows, created.slack)
            rows.put_account(created)
            _keep_secret(rows, created, wish)
            return created

        seeds = Seeds(accounts=(account_id,), slack_workspaces=workspaces_of(created.slack))
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def update(
        self, account_id: str, changes: Mapping[str, Any], etag: str = "", request: Request | None = None
    ) -> Account:
        """Change the fields given; that of `webhook` is a WebhookWish.

        Raises NotFoundError, AbortedError `ETAG_MISMATCH`, FailedPreconditionError `SLACK_WORKSPACE_MISSING`,
        InvalidArgumentError where a webhook's URL is changed without its secret.
        """
        now = self._context.clock.now()
        wish: WebhookWish | None = changes.get("webhook")

        def decide(rows: WorkingSet) -> Account:
            account = found_account(rows.accounts.get(account_id), account_id)
            require_etag(account, etag)
            require_workspace(rows, changes.get("slack"))
            webhook = account.webhook if wish is None else webhook_after(account.webhook, wish)
            changed = replace(account, **{**changes, "webhook": webhook})
            if changed == account:
                return account
            changed = replace(changed, revision=account.revision + 1, update_time=now)
            rows.put_account(changed)
            if wish is not None:
                _keep_secret(rows, changed, wish)
            return changed

        seeds = Seeds(accounts=(account_id,), slack_workspaces=workspaces_of(changes.get("slack")))
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def delete(self, account_id: str, etag: str = "", request: Request | None = None) -> Revocation:
        """Delete an account and its links; answers what became of their grants, by the worst of them.

        Raises NotFoundError, AbortedError `ETAG_MISMATCH`, FailedPreconditionError `ACCOUNT_IN_USE`. The grants are
        revoked when the account is gone: whether it may go is found in the transaction. Until the provider has
        answered, the answer that is kept for a repeated call says that it did not. What is begun goes on to its end.
        """
        return await to_the_end(self._delete(account_id, etag, request))

    async def _delete(self, account_id: str, etag: str, request: Request | None) -> Revocation:
        async with self._locks.accounts.hold(account_id):
            await refuse_replay_of(self._context.store, request)
            links = await self._context.store.links_of_account(account_id)
            taken = [await self._revoker.take(link) for link in links]
            await self._commit_delete(account_id, etag, request)
            revocation = worst_of([await self._revoke(each) for each in taken])
            await self._amend_answer(request, revocation)
            return revocation

    async def _commit_delete(self, account_id: str, etag: str, request: Request | None) -> None:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> Revocation:
            account = found_account(rows.accounts.get(account_id), account_id)
            require_etag(account, etag)
            _refuse_in_use(rows, account_id)
            propagation = Propagation(rows, now, self._context)
            for link in rows.links_of_account(account_id):
                propagation.delete_link(link)
            rows.delete_account(account_id)
            supersede_all_of(rows, account_id)
            return Revocation.UNCONFIRMED

        seeds = Seeds(page_accounts=(account_id,), attempts_of=(account_id,))
        await self._context.store.transact(Unit(seeds, decide, request))

    async def _revoke(self, taken: Taken) -> Revocation:
        subject = taken.grant.subject if taken.grant else ""
        async with self._locks.subjects.hold(subject):
            return await self._revoker.revoke_taken(taken)

    async def _amend_answer(self, request: Request | None, revocation: Revocation) -> None:
        if request is not None:
            await self._context.store.transact(Unit(Seeds(), lambda rows: rows.put_answer(request, revocation)))


def _keep_secret(rows: WorkingSet, account: Account, wish: WebhookWish) -> None:
    """Save the secret that was given; that of webhooks that go nowhere is forgotten."""
    if wish.secret is not None or not account.webhook.url:
        rows.put_webhook_secret(account.id, wish.secret)


def _refuse_in_use(rows: WorkingSet, account_id: str) -> None:
    on_pages = {page.id for page in rows.pages_with_member(account_id)}
    owned = {page.id for page in rows.pages.values() if page is not None and page.owner_account_id == account_id}
    if pages := sorted(on_pages | owned):
        named = ",".join(pages[:_NAMED_PAGES])
        raise FailedPreconditionError(
            "ACCOUNT_IN_USE",
            f"account {account_id} owns or is a member of {len(pages)} booking pages: {named}",
            metadata={"id": account_id, "booking_page_ids": named},
        )
