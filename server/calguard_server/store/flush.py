"""Writing what a group of units changed: one `executemany` a kind of row."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.delivery import Delivery
from calguard_server.domain.events import Change, ResourceKind
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.engine.link_attempt import LinkAttempt
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.working_set import WorkingSet
from calguard_server.store.appointments import flush_appointments
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.accounts import account_row
from calguard_server.store.rows.deliveries import delivery_row
from calguard_server.store.rows.incidents import incident_row, provider_status_row
from calguard_server.store.rows.links import link_row
from calguard_server.store.rows.pages import page_row
from calguard_server.store.rows.silences import silence_row
from calguard_server.store.rows.slack_workspaces import slack_workspace_row
from calguard_server.store.rows.values import Row, optional_micros, to_list, to_micros
from calguard_server.store.vault import Vault

T = TypeVar("T")

EncodeChange = Callable[[Change], bytes]
"""Encodes a change once, as subscribers receive it."""


def log_entries(changes: list[Change], encode: EncodeChange, first_of_unit: set[int]) -> list[LogEntry]:
    """Encode changes; those up to the next one that begins a unit belong to one transaction."""
    entries: list[LogEntry] = []
    commit_revision = 0
    for change in reversed(changes):
        commit_revision = commit_revision or change.revision
        entries.append(_log_entry(change, encode, commit_revision))
        if change.revision in first_of_unit:
            commit_revision = 0
    entries.reverse()
    return entries


def flush(connection: sqlite3.Connection, vault: Vault, rows: WorkingSet, entries: list[LogEntry], now: int) -> None:
    """Write all that is dirty, the log and the deliveries."""
    _flush_links(connection, vault, rows)
    _flush_pages(connection, rows)
    _flush_slack(connection, vault, rows)
    _flush_accounts(connection, vault, rows)
    attempts = (rows.attempts[digest] for digest in rows.dirty.get("attempts", ()))
    _many(connection, "save_attempt", (_attempt_row(attempt, vault) for attempt in attempts))
    incidents = (rows.incidents[each] for each in rows.dirty.get("incidents", ()))
    _many(connection, "save_incident", map(incident_row, incidents))
    statuses = (rows.provider_statuses[each] for each in rows.dirty.get("provider_statuses", ()))
    _many(connection, "save_provider_status", map(provider_status_row, statuses))
    _many(connection, "insert_delivery", map(delivery_row, rows.deliveries))
    flush_appointments(connection, rows, now)
    silences = rows.dirty.get("silences", ())
    _save(connection, "save_silence", "delete_silence", rows.silences, silences, silence_row)
    if any(rows.silences[each] is None for each in silences):
        connection.execute(QUERIES["look_at_silenced"], (now,))
    changed = (rows.notifications[each].delivery for each in rows.dirty.get("notifications", ()))
    _many(connection, "change_delivery", map(_changed_row, changed))
    times = {change.revision: to_micros(change.time) for change in rows.changes}
    _many(
        connection,
        "insert_event",
        (
            (
                entry.revision,
                entry.commit_revision,
                times[entry.revision],
                entry.kind,
                entry.resource_id,
                to_list(entry.account_ids),
                entry.encoded,
                to_list(entry.added_account_ids),
                to_list(entry.removed_account_ids),
                entry.page_id,
            )
            for entry in entries
        ),
    )
    answers = ((key, rows.answers[key]) for key in rows.dirty.get("answers", ()))
    _many(
        connection,
        "save_answer",
        ((key, each.fingerprint, vault.seal_bytes(each.encoded), now) for key, each in answers),
    )


def _flush_accounts(connection: sqlite3.Connection, vault: Vault, rows: WorkingSet) -> None:
    _save(connection, "save_account", "delete_account", rows.accounts, rows.dirty.get("accounts", ()), account_row)
    secrets = [(each, rows.webhook_secrets[each]) for each in rows.dirty.get("webhook_secrets", ())]
    sealed = ((each, vault.seal(secret)) for each, secret in secrets if secret is not None)
    _many(connection, "save_webhook_secret", sealed)
    _many(connection, "delete_webhook_secret", ((each,) for each, secret in secrets if secret is None))


def _flush_links(connection: sqlite3.Connection, vault: Vault, rows: WorkingSet) -> None:
    _save(connection, "save_link", "delete_link", rows.links, rows.dirty.get("links", ()), link_row)
    for link_id in rows.dirty.get("grants", ()):
        grant = rows.grants[link_id]
        if grant is None:
            connection.execute(QUERIES["delete_grant"], (link_id,))
        else:
            sealed = (link_id, vault.seal(grant.refresh_token), to_list(grant.granted_scopes), grant.subject)
            connection.execute(QUERIES["save_grant"], sealed)


def _flush_pages(connection: sqlite3.Connection, rows: WorkingSet) -> None:
    dirty = rows.dirty.get("pages", set())
    _save(connection, "save_page", "delete_page", rows.pages, dirty, page_row)
    remembered = [page_id for page_id in dirty if page_id in rows.members_changed]
    _many(connection, "delete_members", ((page_id,) for page_id in remembered))
    pages = (rows.pages[page_id] for page_id in remembered)
    members = ((member.account_id, page.id) for page in pages if page is not None for member in page.members)
    _many(connection, "save_member", members)


def _flush_slack(connection: sqlite3.Connection, vault: Vault, rows: WorkingSet) -> None:
    dirty = rows.dirty.get("slack_workspaces", ())
    _save(
        connection, "save_slack_workspace", "delete_slack_workspace", rows.slack_workspaces, dirty, slack_workspace_row
    )
    tokens = [(each, rows.slack_tokens[each]) for each in rows.dirty.get("slack_tokens", ())]
    _many(connection, "save_slack_token", ((each, vault.seal(token)) for each, token in tokens if token is not None))
    _many(connection, "delete_slack_token", ((each,) for each, token in tokens if token is None))


def _save(
    connection: sqlite3.Connection,
    save: str,
    delete: str,
    table: dict[str, T | None],
    dirty: Iterable[str],
    row_of: Callable[[T], Row],
) -> None:
    keys = list(dirty)
    _many(connection, save, (row_of(value) for key in keys if (value := table[key]) is not None))
    _many(connection, delete, ((key,) for key in keys if table[key] is None))


def _many(connection: sqlite3.Connection, query: str, rows: Iterable[Row]) -> None:
    listed = list(rows)
    if listed:
        connection.executemany(QUERIES[query], listed)


def _changed_row(delivery: Delivery) -> Row:
    return (
        delivery.id,
        delivery.state.value,
        optional_micros(delivery.next_attempt_time),
        delivery.attempts_before,
        optional_micros(delivery.retry_time),
    )


def _attempt_row(attempt: LinkAttempt, vault: Vault) -> Row:
    return (
        attempt.digest,
        attempt.account_id,
        attempt.calendar_link_id,
        vault.seal(attempt.code_verifier),
        attempt.redirect_uri,
        int(attempt.select_primary),
        int(attempt.allow_account_change),
        to_micros(attempt.create_time),
        to_micros(attempt.expire_time),
        int(attempt.used),
        int(attempt.superseded),
        to_list(attempt.ended_subjects),
    )


def _log_entry(change: Change, encode: EncodeChange, commit_revision: int) -> LogEntry:
    kind, account_ids, page_id = _keys_of(change)
    return LogEntry(
        change.revision,
        commit_revision,
        kind.value,
        change.resource.id,
        account_ids,
        encode(change),
        change.added_account_ids,
        change.removed_account_ids,
        page_id,
    )


def _keys_of(change: Change) -> tuple[ResourceKind, tuple[str, ...], str]:
    """What filters decide on: the kind, every account that the resource concerns, and an appointment's page."""
    resource = change.resource
    if isinstance(resource, CalendarLink):
        return ResourceKind.CALENDAR_LINK, (resource.account_id,), ""
    if isinstance(resource, ProviderStatus):
        return ResourceKind.PROVIDER_STATUS, (), ""
    if isinstance(resource, Appointment):
        return ResourceKind.APPOINTMENT, resource.account_ids, resource.booking_page_id
    return ResourceKind.BOOKING_PAGE, resource.account_ids, ""
