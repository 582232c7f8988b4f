"""Between rows and accounts."""

from calguard_server.domain.account import Account, LinkAlerts, Locale, SlackAddress
from calguard_server.domain.notices import Channel
from calguard_server.domain.webhook import Webhook
from calguard_server.store.rows.values import Row, from_list, from_micros, to_list, to_micros


def account_row(account: Account) -> Row:
    """Write an account."""
    slack = account.slack
    return (
        account.id,
        account.display_name,
        account.email,
        account.locale.value,
        slack.workspace_id,
        slack.user_id,
        slack.channel_id,
        account.revision,
        to_micros(account.create_time),
        to_micros(account.update_time),
        to_list(tuple(channel.value for channel in account.channels)),
        account.link_alerts.value,
        account.webhook.url,
        account.webhook.secret_version,
    )


def account_of(row: Row) -> Account:
    """Read an account."""
    return Account(
        id=row[0],
        display_name=row[1],
        email=row[2],
        locale=Locale(row[3]),
        slack=SlackAddress(row[4], row[5], row[6]),
        revision=row[7],
        create_time=from_micros(row[8]),
        update_time=from_micros(row[9]),
        channels=tuple(map(Channel, from_list(row[10]))),
        link_alerts=LinkAlerts(row[11]),
        webhook=Webhook(row[12], row[13]),
    )
