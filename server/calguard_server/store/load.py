"""Loading what a group of units of work needs, in a handful of statements for the whole group."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.incident import Incident, Told
from calguard_server.domain.notices import Channel
from calguard_server.engine.link_attempt import LinkAttempt
from calguard_server.engine.requests import Answer
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.tables import SlackUses
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.store.appointments import load_appointments
from calguard_server.store.ledger import read_by_id
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.accounts import account_of
from calguard_server.store.rows.faults import from_faults
from calguard_server.store.rows.incidents import provider_status_of
from calguard_server.store.rows.links import link_of
from calguard_server.store.rows.pages import page_of
from calguard_server.store.rows.silences import silence_of
from calguard_server.store.rows.slack_workspaces import slack_workspace_of
from calguard_server.store.rows.values import Row, from_list, from_micros, optional_time
from calguard_server.store.vault import UnreadableError, Vault


def load(connection: sqlite3.Connection, vault: Vault, units: Sequence[Unit[Any]], revision: int) -> WorkingSet:
    """Load the working set of a group; what belongs to it is told in engine/seeds.py."""
    rows = load_seeds(connection, vault, [unit.seeds for unit in units], revision)
    _load_answers(connection, vault, rows, {unit.request.id for unit in units if unit.request is not None})
    return rows


def load_seeds(connection: sqlite3.Connection, vault: Vault, seeds: Sequence[Seeds], revision: int) -> WorkingSet:
    """Load what seeds name, as the transaction that is open on the connection shows it."""
    rows = WorkingSet(revision)
    page_accounts = _all(seeds, "page_accounts")
    linked = _by_keys(connection, "account_ids_by_link", _all(seeds, "links"))
    around = page_accounts | {row[0] for row in linked}
    _load_pages(connection, rows, _all(seeds, "pages"), around, page_accounts)
    _load_people(connection, rows, around | _all(seeds, "accounts"))
    _load_incidents(connection, rows)
    for row in connection.execute(QUERIES["provider_statuses"]):
        rows.provider_statuses[row[0]] = provider_status_of(row)
    _load_attempts(connection, vault, rows, _all(seeds, "attempts"), _all(seeds, "attempts_of"))
    _load_slack(connection, rows, _all(seeds, "slack_workspaces"), _all(seeds, "slack_uses"))
    load_appointments(connection, rows, seeds)
    if notifications := _all(seeds, "notifications"):
        rows.notifications = {each.delivery.id: each for each in read_by_id(connection, notifications)}
    if any(each.silences for each in seeds):
        rows.silences = {row[0]: silence_of(row) for row in connection.execute(QUERIES["all_silences"])}
    return rows


def _all(seeds: Iterable[Seeds], name: str) -> set[str]:
    return {key for each in seeds for key in getattr(each, name)}


def _by_keys(connection: sqlite3.Connection, query: str, keys: Iterable[str]) -> list[Row]:
    wanted = list(keys)
    return connection.execute(QUERIES[query], (json.dumps(wanted),)).fetchall() if wanted else []


def _load_pages(
    connection: sqlite3.Connection, rows: WorkingSet, named: set[str], around: set[str], owners: set[str]
) -> None:
    ids = set(named)
    ids.update(row[0] for row in _by_keys(connection, "page_ids_by_member", around))
    ids.update(row[0] for row in _by_keys(connection, "page_ids_by_owner", owners))
    rows.index_pages(page_of(row) for row in _by_keys(connection, "pages_by_id", ids))


def _load_people(connection: sqlite3.Connection, rows: WorkingSet, named: set[str]) -> None:
    """Load the accounts and links named, and those of the pages' members; of owners only the account."""
    pages = [page for page in rows.pages.values() if page is not None]
    linked = named | {member.account_id for page in pages for member in page.members}
    accounts = linked | {page.owner_account_id for page in pages}
    rows.index_links(link_of(row) for row in _by_keys(connection, "links_by_account", linked))
    for row in _by_keys(connection, "accounts_by_id", accounts):
        rows.accounts[row[0]] = account_of(row)


def _load_incidents(connection: sqlite3.Connection, rows: WorkingSet) -> None:
    found = _by_keys(connection, "open_incidents_by_page", rows.pages)
    found += _by_keys(connection, "open_incidents_by_link", rows.links)
    told: dict[str, list[Told]] = {row[0]: [] for row in found}
    for row in _by_keys(connection, "told_by_incident", told):
        told[row[0]].append(_told_of(row))
    rows.index_incidents(
        Incident(
            id=incident_id,
            booking_page_id=page_id,
            calendar_link_id=link_id,
            open_time=from_micros(open_time),
            reminder_time=optional_time(reminder_time),
            silenced_time=optional_time(silenced_time),
            told=tuple(told[incident_id]),
        )
        for incident_id, page_id, link_id, open_time, reminder_time, silenced_time in found
    )


def _load_slack(connection: sqlite3.Connection, rows: WorkingSet, named: set[str], used: set[str]) -> None:
    for row in _by_keys(connection, "slack_workspaces_by_id", named | used):
        rows.slack_workspaces[row[0]] = slack_workspace_of(row)
    for workspace_id in used:
        rows.slack_uses[workspace_id] = SlackUses()
    for workspace_id, account_id in _by_keys(connection, "accounts_by_slack_workspace", used):
        rows.slack_uses[workspace_id].account_ids.add(account_id)
    for workspace_id, page_id in _by_keys(connection, "pages_by_slack_workspace", used):
        rows.slack_uses[workspace_id].page_ids.add(page_id)


def _told_of(row: Row) -> Told:
    _, recipient, channel, stage, state, doubtful, silenced = row
    named = () if silenced is None else tuple(fault.account_id for fault in from_faults(silenced))
    is_silenced = silenced is not None and state == DeliveryState.SUPPRESSED
    return Told(recipient, Channel(channel), stage, DeliveryState(state), bool(doubtful), is_silenced, named)


def _load_attempts(
    connection: sqlite3.Connection, vault: Vault, rows: WorkingSet, digests: set[str], accounts: set[str]
) -> None:
    """Load attempts; one that no key opens any more is as good as none: it can only be begun again."""
    named = _by_keys(connection, "attempts_by_digest", digests)
    for row in (*named, *_by_keys(connection, "attempts_by_account", accounts)):
        with suppress(UnreadableError):
            rows.attempts[row[0]] = _attempt_of(row, vault)


def _attempt_of(row: Row, vault: Vault) -> LinkAttempt:
    return LinkAttempt(
        digest=row[0],
        account_id=row[1],
        calendar_link_id=row[2],
        code_verifier=vault.open(row[3]),
        redirect_uri=row[4],
        select_primary=bool(row[5]),
        allow_account_change=bool(row[6]),
        create_time=from_micros(row[7]),
        expire_time=from_micros(row[8]),
        used=bool(row[9]),
        superseded=bool(row[10]),
        ended_subjects=from_list(row[11]),
    )


def _load_answers(connection: sqlite3.Connection, vault: Vault, rows: WorkingSet, request_ids: set[str]) -> None:
    for row in _by_keys(connection, "answers_by_request", request_ids):
        answer = answer_of(row, vault)
        if answer is not None:
            rows.answers[row[0]] = answer


def answer_of(row: Row, vault: Vault) -> Answer | None:
    """Read the kept answer of a request; one that no key opens any more is as good as none."""
    _, fingerprint, sealed = row
    with suppress(UnreadableError):
        return Answer(fingerprint, vault.open_bytes(sealed))
    return None
