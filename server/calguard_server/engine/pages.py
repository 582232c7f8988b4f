"""Use cases of booking pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from calguard_server.domain.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    FieldViolation,
    InvalidArgumentError,
    named_ids,
)
from calguard_server.domain.etags import require_etag
from calguard_server.domain.explanation import Assumptions, Explanation, Standing, explain_page
from calguard_server.domain.page import BookingPage, Hand
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_page
from calguard_server.engine.ports.filters import PageFilter
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.requests import Request
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.slack_addresses import require_workspace, workspaces_of
from calguard_server.engine.working_set import Unit, WorkingSet


class Pages:
    """Creates, changes, stops, resumes and deletes booking pages."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self, page_id: str) -> BookingPage:
        """Answer a page. Raises NotFoundError."""
        return found_page(await self._context.store.page(page_id), page_id)

    async def list(self, chosen: PageFilter, after: str, limit: int) -> list[BookingPage]:
        """List pages with ids after the one given."""
        return await self._context.store.pages(chosen, after, limit)

    async def explain(self, page_id: str, faulty: Sequence[str], healthy: Sequence[str]) -> Explanation:
        """Explain a page as it stands, or as it would with some members faulty or healthy. Nothing is changed.

        Raises NotFoundError, InvalidArgumentError `NOT_A_MEMBER`.
        """
        rows = await self._context.store.look(Seeds(pages=(page_id,)))
        page = found_page(rows.pages.get(page_id), page_id)
        _require_members(page, assume_faulty_account_ids=faulty, assume_healthy_account_ids=healthy)
        links = {member.account_id: rows.links_of_account(member.account_id) for member in page.members}
        served = self._context.policies.served
        standing = Standing(page, links, rows.open_incident(page_id), rows.accounts, served, rows.revision)
        return explain_page(standing, Assumptions(frozenset(faulty), frozenset(healthy)), self._context.clock.now())

    async def create(self, page: BookingPage, request: Request | None = None) -> BookingPage:
        """Create a page; an empty id is replaced by a new one.

        Raises AlreadyExistsError `BOOKING_PAGE_EXISTS`, FailedPreconditionError `ACCOUNT_MISSING`,
        `SLACK_WORKSPACE_MISSING`.
        """
        now = self._context.clock.now()
        page_id = page.id or self._context.new_id("page")
        draft = replace(page, id=page_id, state_time=now, create_time=now, update_time=now)

        def decide(rows: WorkingSet) -> BookingPage:
            if rows.pages.get(page_id) is not None:
                raise AlreadyExistsError(
                    "BOOKING_PAGE_EXISTS", f"there is a booking page {page_id} already", metadata={"id": page_id}
                )
            _require_accounts(rows, draft)
            require_workspace(rows, draft.slack)
            return Propagation(rows, now, self._context).decide_page(None, draft).page

        seeds = Seeds(pages=(page_id,), accounts=draft.account_ids, slack_workspaces=workspaces_of(draft.slack))
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def update(
        self, page_id: str, changes: Mapping[str, Any], etag: str = "", request: Request | None = None
    ) -> BookingPage:
        """Change the fields given, and apply the rules afresh.

        Raises NotFoundError, AbortedError `ETAG_MISMATCH`, FailedPreconditionError `ACCOUNT_MISSING`,
        `SLACK_WORKSPACE_MISSING`.
        """
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> BookingPage:
            page = found_page(rows.pages.get(page_id), page_id)
            require_etag(page, etag)
            changed = replace(page, **changes)
            if changed == page:
                return page
            _require_accounts(rows, changed)
            require_workspace(rows, changes.get("slack"))
            return Propagation(rows, now, self._context).decide_page(page, changed).page

        named = {member.account_id for member in changes.get("members", ())} | {changes.get("owner_account_id", "")}
        workspaces = workspaces_of(changes.get("slack"))
        seeds = Seeds(pages=(page_id,), accounts=tuple(sorted(named - {""})), slack_workspaces=workspaces)
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def stop(self, page_id: str, request: Request | None = None) -> BookingPage:
        """Stop a page by hand. Raises NotFoundError, IllegalTransitionError."""
        return await self._by_hand(page_id, Hand.STOPS, request)

    async def resume(self, page_id: str, request: Request | None = None) -> BookingPage:
        """End a stop by hand. Raises NotFoundError, IllegalTransitionError."""
        return await self._by_hand(page_id, Hand.RESUMES, request)

    async def delete(self, page_id: str, etag: str = "", request: Request | None = None) -> None:
        """Delete a page. Raises NotFoundError, AbortedError `ETAG_MISMATCH`."""
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> None:
            page = found_page(rows.pages.get(page_id), page_id)
            require_etag(page, etag)
            Propagation(rows, now, self._context).delete_page(page)

        await self._context.store.transact(Unit(Seeds(pages=(page_id,)), decide, request))

    async def _by_hand(self, page_id: str, hand: Hand, request: Request | None) -> BookingPage:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> BookingPage:
            page = found_page(rows.pages.get(page_id), page_id)
            return Propagation(rows, now, self._context).decide_page(page, page, hand=hand).page

        return await self._context.store.transact(Unit(Seeds(pages=(page_id,)), decide, request))


def _require_accounts(rows: WorkingSet, page: BookingPage) -> None:
    missing = [account_id for account_id in page.account_ids if rows.accounts.get(account_id) is None]
    if missing:
        named = named_ids(missing)
        raise FailedPreconditionError(
            "ACCOUNT_MISSING",
            f"booking page {page.id} names accounts that do not exist: {named}",
            metadata={"account_ids": named},
        )


def _require_members(page: BookingPage, **assumed: Sequence[str]) -> None:
    """Refuse accounts that are not members, by the fields that name them."""
    members = {member.account_id for member in page.members}
    wrong = tuple(
        FieldViolation(f"{field}[{index}]", f"expected a member of booking page {page.id}")
        for field, account_ids in assumed.items()
        for index, account_id in enumerate(account_ids)
        if account_id not in members
    )
    if wrong:
        text = f"booking page {page.id} does not have every assumed account as a member: see the fields"
        raise InvalidArgumentError("NOT_A_MEMBER", text, violations=wrong)
