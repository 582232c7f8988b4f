"""AccountService."""
# ruff: noqa: N802 - the methods are named by the contract

from collections.abc import Mapping
from typing import Any

from calguard.v1 import account_pb2, account_pb2_grpc
from calguard_server.domain.account import Account
from calguard_server.domain.addresses import THIRD_PARTY_ACCESS_URL
from calguard_server.domain.webhook import WebhookWish
from calguard_server.engine.accounts import Accounts
from calguard_server.engine.revoking import Revocation
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.authentication import scope_of_call
from calguard_server.grpc_api.convert import EPOCH, account_to_wire
from calguard_server.grpc_api.fields import ACCOUNT_FIELDS, read_fields
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.validation import ID, Checker

_PAGING = Paging("ListAccounts", position=ID)


class AccountService(account_pb2_grpc.AccountServiceServicer):
    """The people of the booking product."""

    def __init__(self, accounts: Accounts, third_party_access_url: str = THIRD_PARTY_ACCESS_URL) -> None:
        self._accounts = accounts
        self._third_party_access_url = third_party_access_url

    async def CreateAccount(
        self, request: account_pb2.CreateAccountRequest, _context: object
    ) -> account_pb2.CreateAccountResponse:
        """Create an account."""
        account, webhook = read_new_account(request)
        call = request_of("CreateAccount", request, _created)
        return _created(await self._accounts.create(account, call, webhook))

    async def GetAccount(
        self, request: account_pb2.GetAccountRequest, _context: object
    ) -> account_pb2.GetAccountResponse:
        """Read one account."""
        check = Checker()
        account_id = check.id("id", request.id)
        check.refuse()
        return account_pb2.GetAccountResponse(account=account_to_wire(await self._accounts.get(account_id)))

    async def ListAccounts(
        self, request: account_pb2.ListAccountsRequest, _context: object
    ) -> account_pb2.ListAccountsResponse:
        """List accounts in the order of their ids."""
        check = Checker()
        check.page_size(request.page_size)
        check.refuse()
        size = page_size(request.page_size)
        rows, more = split(await self._list(request.page_token, size + 1), size)
        return account_pb2.ListAccountsResponse(
            accounts=[account_to_wire(row) for row in rows],
            next_page_token=_PAGING.token(rows[-1].id) if more else "",
        )

    async def _list(self, page_token: str, limit: int) -> list[Account]:
        return await self._accounts.list(_PAGING.after(page_token), limit, scope_of_call().within)

    async def UpdateAccount(
        self, request: account_pb2.UpdateAccountRequest, _context: object
    ) -> account_pb2.UpdateAccountResponse:
        """Change the fields that the mask names."""
        changes = read_account_changes(request)
        call = request_of("UpdateAccount", request, _updated)
        account = request.account
        return _updated(await self._accounts.update(account.id, changes, account.etag, call))

    async def DeleteAccount(
        self, request: account_pb2.DeleteAccountRequest, _context: object
    ) -> account_pb2.DeleteAccountResponse:
        """Delete an account with its calendar links."""
        check = Checker()
        account_id = check.id("id", request.id)
        etag = check.etag("etag", request.etag)
        check.request_id(request.request_id)
        check.refuse()
        call = request_of("DeleteAccount", request, self._deleted)
        return self._deleted(await self._accounts.delete(account_id, etag, call))

    def _deleted(self, revocation: Revocation) -> account_pb2.DeleteAccountResponse:
        return account_pb2.DeleteAccountResponse(
            revocation=enums.GRANT_REVOCATION.to_wire[revocation], third_party_access_url=self._third_party_access_url
        )


def read_new_account(request: account_pb2.CreateAccountRequest) -> tuple[Account, WebhookWish]:
    """Read an account to create, and its webhook. Raises InvalidArgumentError."""
    check = Checker()
    check.request_id(request.request_id)
    check.expect(request.HasField("account"), "account", "is required")
    check.refuse()
    account_id = check.optional_id("account.id", request.account.id)
    fields = read_fields(check, "account", request.account, ACCOUNT_FIELDS)
    check.refuse()
    webhook: WebhookWish = fields.pop("webhook")
    return Account(id=account_id, revision=0, create_time=EPOCH, update_time=EPOCH, **fields), webhook


def read_account_changes(request: account_pb2.UpdateAccountRequest) -> Mapping[str, Any]:
    """Read the fields that the mask names. Raises InvalidArgumentError."""
    check = Checker()
    check.request_id(request.request_id)
    chosen = check.mask("update_mask", request.update_mask.paths, ACCOUNT_FIELDS)
    if check.expect(request.HasField("account"), "account", "is required"):
        check.id("account.id", request.account.id)
        check.etag("account.etag", request.account.etag)
    fields = read_fields(check, "account", request.account, {name: ACCOUNT_FIELDS[name] for name in chosen})
    check.refuse()
    return fields


def _created(account: Account) -> account_pb2.CreateAccountResponse:
    return account_pb2.CreateAccountResponse(account=account_to_wire(account))


def _updated(account: Account) -> account_pb2.UpdateAccountResponse:
    return account_pb2.UpdateAccountResponse(account=account_to_wire(account))
