"""Claiming deliveries and saving how they went on: statements of the writer's transaction."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.conversation import Post
from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.notices import Channel, appointment_of
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.deliveries import ClaimedDelivery, DeliveryUpdate
from calguard_server.store.appointments import read_by_id
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.accounts import account_of
from calguard_server.store.rows.deliveries import delivery_of
from calguard_server.store.rows.links import link_of
from calguard_server.store.rows.pages import page_of
from calguard_server.store.rows.silences import silence_of
from calguard_server.store.rows.values import Row, optional_micros, to_micros
from calguard_server.store.vault import UnreadableError, Vault

T = TypeVar("T")

_LOST = "the server ended, or broke off, before the outcome was saved"


def claim(
    connection: sqlite3.Connection, vault: Vault, now: datetime, lease: timedelta, limits: Mapping[Channel, int]
) -> list[ClaimedDelivery]:
    """Claim whole groups of one recipient, channel and kind of which a delivery is due; so many a channel."""
    micros = to_micros(now)
    claimed: list[_Claimed] = []
    for group in _due_groups(connection, micros, limits):
        rows = connection.execute(QUERIES["deliveries_of_group"], (micros, *group)).fetchall()
        claimed.extend(_claim(connection, row, now, now + lease) for row in rows)
    pages = _by_id(connection, "pages_by_id", {each.delivery.booking_page_id for each in claimed})
    in_force = connection.execute(QUERIES["silences_in_force"], (micros,)).fetchall() if claimed else ()
    silences = tuple(silence_of(row) for row in in_force)
    accounts = _by_id(connection, "accounts_by_id", {each.delivery.recipient_account_id for each in claimed})
    secrets = _webhook_secrets(connection, vault, (each.delivery for each in claimed))
    links = _by_id(connection, "links_by_id", {_link_id(each.delivery) for each in claimed} - {""})
    named = {appointment_of(each.delivery.stage) for each in claimed} - {""}
    appointments = {appointment.id: appointment for appointment in read_by_id(connection, named)}
    return [
        ClaimedDelivery(
            each.delivery,
            _read(page_of, pages, each.delivery.booking_page_id),
            _read(account_of, accounts, each.delivery.recipient_account_id),
            _was_told(connection, each.sequence, each.delivery),
            each.was_due,
            _read(link_of, links, _link_id(each.delivery)),
            silences,
            secrets.get(each.delivery.recipient_account_id) if each.delivery.channel is Channel.WEBHOOK else None,
            appointments.get(appointment_of(each.delivery.stage)),
        )
        for each in claimed
    ]


def _webhook_secrets(connection: sqlite3.Connection, vault: Vault, claimed: Iterable[Delivery]) -> dict[str, Secret]:
    """Read the secrets that sign what goes by webhook; one that no key opens is as good as none."""
    whose = {each.recipient_account_id for each in claimed if each.channel is Channel.WEBHOOK}
    secrets: dict[str, Secret] = {}
    for account_id, row in _by_id(connection, "webhook_secrets_by_account", whose).items() if whose else ():
        with suppress(UnreadableError):
            secrets[account_id] = vault.open(row[1])
    return secrets


def _due_groups(connection: sqlite3.Connection, micros: int, limits: Mapping[Channel, int]) -> list[Row]:
    by_channel = (
        connection.execute(QUERIES["due_groups"], (micros, limit, channel.value)).fetchall()
        for channel, limit in limits.items()
    )
    return [group for groups in by_channel for group in groups]


def _link_id(delivery: Delivery) -> str:
    """Name the link that a delivery is about; empty for one about a page."""
    return delivery.faults[0].calendar_link_id if delivery.kind.of_link and delivery.faults else ""


class _Claimed(Struct, frozen=True):
    """A delivery as it is claimed, its place in the ledger, and when it was due."""

    sequence: int
    delivery: Delivery
    was_due: datetime


def _claim(connection: sqlite3.Connection, row: Row, now: datetime, lease_end: datetime) -> _Claimed:
    delivery = delivery_of(row[1:-1], incident_closed=bool(row[-1]))
    if delivery.state is DeliveryState.SENDING:  # its lease is over, and nobody knows what came of it
        connection.execute(QUERIES["record_lost_attempt"], (delivery.id, to_micros(now), _LOST))
    claimed = replace(delivery, state=DeliveryState.SENDING, fence=delivery.fence + 1, next_attempt_time=lease_end)
    connection.execute(QUERIES["claim_delivery"], (claimed.id, claimed.fence, to_micros(lease_end)))
    return _Claimed(row[0], claimed, delivery.next_attempt_time or lease_end)


def _read(object_of: Callable[[Row], T], rows: Mapping[str, Row], key: str) -> T | None:
    return object_of(rows[key]) if key in rows else None


def _by_id(connection: sqlite3.Connection, query: str, ids: set[str]) -> dict[str, Row]:
    return {row[0]: row for row in connection.execute(QUERIES[query], (json.dumps(sorted(ids)),))}


def _was_told(connection: sqlite3.Connection, sequence: int, delivery: Delivery) -> bool:
    key = (delivery.incident_id, delivery.recipient_account_id, delivery.channel.value, sequence)
    return bool(connection.execute(QUERIES["was_told"], key).fetchone()[0])


def update(connection: sqlite3.Connection, updates: Sequence[DeliveryUpdate]) -> None:
    """Save how claimed deliveries go on; one that was claimed anew meanwhile is left alone."""
    connection.executemany(QUERIES["record_attempt"], _attempt_rows(updates))
    again = [(each.delivery_id, each.fence, to_micros(each.look_again)) for each in updates if each.look_again]
    connection.executemany(QUERIES["look_at_incident"], again)
    connection.executemany(
        QUERIES["update_delivery"],
        [
            (
                each.delivery_id,
                each.fence,
                each.state.value,
                each.attempts,
                optional_micros(each.next_attempt_time),
                each.last_error,
                each.address,
                optional_micros(each.send_time),
                each.message_id,
                int(each.doubtful),
                each.held_by,
            )
            for each in updates
        ],
    )
    posts = [(each.posted, each.send_time) for each in updates if each.posted is not None]
    connection.executemany(
        QUERIES["save_slack_post"],
        [
            (
                post.message_id,
                post.workspace_id,
                post.channel,
                post.ts,
                post.content,
                post.over_label,
                optional_micros(time),
            )
            for post, time in posts
        ],
    )
    connection.executemany(QUERIES["delete_slack_post"], [(each.gone,) for each in updates if each.gone])


def slack_posts(connection: sqlite3.Connection, incident_ids: Collection[str], recipient: str) -> dict[str, list[Post]]:
    """Read the messages that began a thread about the incidents, by incident, oldest first."""
    posts: dict[str, list[Post]] = {}
    for incident_id, *post in connection.execute(
        QUERIES["slack_posts_of"], (json.dumps(sorted(incident_ids)), recipient)
    ):
        posts.setdefault(incident_id, []).append(Post(*post))
    return posts


def slack_posts_over(connection: sqlite3.Connection, limit: int) -> list[Post]:
    """Read messages that began a thread and are to be marked as over."""
    return [Post(*row) for row in connection.execute(QUERIES["slack_posts_over"], (limit,))]


def _attempt_rows(updates: Sequence[DeliveryUpdate]) -> list[Row]:
    tried = ((each, each.attempt) for each in updates)
    return [
        (
            each.delivery_id,
            each.fence,
            to_micros(attempt.time),
            attempt.outcome.value,
            attempt.detail,
            attempt.address,
            attempt.message_id,
        )
        for each, attempt in tried
        if attempt is not None
    ]


def release(connection: sqlite3.Connection, now: datetime) -> None:
    """Give back what a process that is gone had claimed."""
    ids = [row[0] for row in connection.execute(QUERIES["deliveries_being_sent"])]
    connection.executemany(QUERIES["record_lost_attempt"], [(each, to_micros(now), _LOST) for each in ids])
    connection.executemany(QUERIES["release_delivery"], [(each,) for each in ids])


def prune(connection: sqlite3.Connection, before: datetime, limit: int) -> int:
    """Drop what is past keeping of the ledger, a part at a time; answers how many rows."""
    micros = to_micros(before)
    past = connection.execute(QUERIES["past_deliveries"], (micros, limit)).fetchall()
    connection.executemany(QUERIES["drop_attempts"], past)
    connection.executemany(QUERIES["drop_delivery"], past)
    connection.execute(QUERIES["prune_silences"], (micros,))
    return len(past) + connection.execute(QUERIES["prune_incidents"], (micros, limit)).rowcount
