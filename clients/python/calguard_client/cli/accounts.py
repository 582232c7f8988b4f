"""`calguard accounts`: the people of the booking product."""

from collections.abc import Sequence
from typing import TextIO, Unpack

import click

from calguard.v1 import account_pb2, calendar_link_pb2
from calguard.v1.account_pb2_grpc import AccountServiceStub
from calguard.v1.notification_pb2 import NotificationChannel
from calguard_client.cli.cells import enum_name, moment, text
from calguard_client.cli.choices import (
    Command,
    SlackFields,
    enum_option,
    etag_option,
    limit_option,
    require_change,
    slack_given,
    slack_of,
    slack_options,
)
from calguard_client.cli.describe import slack_text
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.revocation import revocation_told
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.table import Cell, Column

_CHANNEL = "NOTIFICATION_CHANNEL_"

COLUMNS: Sequence[Column[account_pb2.Account]] = (
    Column("id", lambda account: text(account.id)),
    Column("name", lambda account: text(account.display_name), folds=True),
    Column("e-mail", lambda account: text(account.email), folds=True),
    Column("locale", lambda account: text(account.locale)),
    Column("slack", lambda account: slack_text(account.slack), folds=True),
)


class AccountFields(SlackFields):
    """What can be said of an account; None where an option was not given."""

    display_name: str | None
    email: str | None
    locale: str | None
    webhook_url: str | None
    webhook_secret: str | None
    channels: "list[NotificationChannel.ValueType] | None"
    link_alerts: "account_pb2.LinkAlerts.ValueType | None"


def _read_channels(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> "list[NotificationChannel.ValueType] | None":
    """Read names of channels, separated by commas; empty: every channel. Raises BadParameter."""
    if value is None:
        return None
    known = {name.removeprefix(_CHANNEL).lower(): number for name, number in NotificationChannel.items() if number}
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not set(names) <= known.keys():
        raise click.BadParameter(f"expected some of {', '.join(known)}, separated by commas; empty for all of them")
    return [known[name] for name in names]


def _read_secret(_ctx: click.Context, _param: click.Parameter, file: TextIO | None) -> str | None:
    """Read the first line of a file. Raises BadParameter where it is empty."""
    if file is None:
        return None
    secret = file.readline().strip()
    if not secret:
        raise click.BadParameter("expected the secret in the first line")
    return secret


def account_options(command: Command) -> Command:
    """Take what can be said of an account."""
    command = slack_options(command)
    command = click.option("--locale", metavar="en|ja", help="The language of notices.")(command)
    command = click.option("--email", metavar="ADDRESS", help="Where e-mail goes; empty: no e-mail.")(command)
    command = enum_option(
        "--link-alerts",
        account_pb2.LinkAlerts.DESCRIPTOR,
        help="Of which failures of their links they are told: as pages' rules have it, or always.",
    )(command)
    command = click.option(
        "--channels",
        metavar="email,slack,webhook",
        callback=_read_channels,
        help="By which channels they may be told; empty: by all.",
    )(command)
    command = click.option("--webhook-url", metavar="URL", help="Where signed webhooks go; empty: nowhere.")(command)
    command = click.option(
        "--webhook-secret-file",
        "webhook_secret",
        metavar="FILE",
        type=click.File(),
        callback=_read_secret,
        help="The file with the secret that signs them, in its first line; - for standard input. A URL that is new, or "
        "changed, needs it.",
    )(command)
    return click.option("--name", "display_name", metavar="NAME", help="The name shown in notices.")(command)


@click.group()
def accounts() -> None:
    """People: owners, members, and who is told."""


@accounts.command("create")
@click.option("--id", "account_id", metavar="ID", default="", help="The account's id; made by the server if left out.")
@account_options
@pass_session
def create_account(session: Session, account_id: str, **fields: Unpack[AccountFields]) -> None:
    """Create an account."""
    request = account_pb2.CreateAccountRequest(
        account=_account_of(account_id, fields), request_id=session.new_request_id()
    )
    session.show(session.call(AccountServiceStub(session.channel).CreateAccount, request).account, details)


@accounts.command("get")
@click.argument("account_id", metavar="ACCOUNT")
@pass_session
def get_account(session: Session, account_id: str) -> None:
    """Show an account."""
    request = account_pb2.GetAccountRequest(id=account_id)
    session.show(session.call(AccountServiceStub(session.channel).GetAccount, request).account, details)


@accounts.command("list")
@limit_option
@pass_session
def list_accounts(session: Session, limit: int) -> None:
    """List accounts in the order of their ids."""
    method, request = AccountServiceStub(session.channel).ListAccounts, account_pb2.ListAccountsRequest()
    answer = gather(session, method, request, lambda answer: answer.accounts, limit)
    show_list(session, answer, answer.accounts, COLUMNS)


@accounts.command("update")
@click.argument("account_id", metavar="ACCOUNT")
@account_options
@etag_option
@pass_session
def update_account(session: Session, account_id: str, etag: str, **fields: Unpack[AccountFields]) -> None:
    """Change what is given of an account; an empty value clears it."""
    given = {name for name, value in fields.items() if value is not None}
    paths = [name for name in ("display_name", "email", "locale", "channels", "link_alerts") if name in given]
    whole = {"slack": slack_given(fields), "webhook": _webhook_given(fields)}
    mask = require_change([*paths, *(name for name, is_given in whole.items() if is_given)])
    account = _account_of(account_id, fields)
    account.etag = etag
    request = account_pb2.UpdateAccountRequest(account=account, update_mask=mask, request_id=session.new_request_id())
    session.show(session.call(AccountServiceStub(session.channel).UpdateAccount, request).account, details)


@accounts.command("delete")
@click.argument("account_id", metavar="ACCOUNT")
@etag_option
@pass_session
def delete_account(session: Session, account_id: str, etag: str) -> None:
    """Delete an account with its calendar links."""
    request = account_pb2.DeleteAccountRequest(id=account_id, etag=etag, request_id=session.new_request_id())
    answer = session.call(AccountServiceStub(session.channel).DeleteAccount, request)
    silent = answer.revocation in (
        calendar_link_pb2.GRANT_REVOCATION_UNSPECIFIED,
        calendar_link_pb2.GRANT_REVOCATION_CONFIRMED,
    )
    session.done(answer, f"deleted account {account_id}" + ("" if silent else f"; {revocation_told(answer)}"))


def details(account: account_pb2.Account) -> list[tuple[str, Cell]]:
    """Tell all of an account."""
    return [
        ("account", account.id),
        ("name", text(account.display_name)),
        ("e-mail", text(account.email)),
        ("locale", text(account.locale)),
        ("slack", slack_text(account.slack)),
        ("webhook", text(account.webhook.url)),
        ("told by", ", ".join(_channel_names(account)) or "every channel"),
        ("link alerts", enum_name(account, "link_alerts")),
        ("created", moment(account.create_time)),
        ("updated", moment(account.update_time)),
        ("etag", text(account.etag)),
    ]


def _channel_names(account: account_pb2.Account) -> list[str]:
    return [NotificationChannel.Name(channel).removeprefix(_CHANNEL) for channel in account.channels]


def _account_of(account_id: str, fields: AccountFields) -> account_pb2.Account:
    account = account_pb2.Account(
        id=account_id,
        display_name=fields["display_name"] or "",
        email=fields["email"] or "",
        locale=fields["locale"] or "",
        channels=fields["channels"] or [],
        link_alerts=fields["link_alerts"] or account_pb2.LINK_ALERTS_UNSPECIFIED,
    )
    if slack_given(fields):
        account.slack.CopyFrom(slack_of(fields))
    if _webhook_given(fields):
        account.webhook.CopyFrom(
            account_pb2.Webhook(url=fields["webhook_url"] or "", secret=fields["webhook_secret"] or "")
        )
    return account


def _webhook_given(fields: AccountFields) -> bool:
    return fields["webhook_url"] is not None or fields["webhook_secret"] is not None
