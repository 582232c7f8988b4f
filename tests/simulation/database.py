"""What lies in the database: read beside the server, by a connection of the observer's own."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from calguard_server.domain.account import Account
from calguard_server.grpc_api.convert import link_to_wire, page_to_wire, provider_status_to_wire
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.accounts import account_of
from calguard_server.store.rows.incidents import provider_status_of
from calguard_server.store.rows.links import link_of
from calguard_server.store.rows.pages import page_of
from tests.simulation.follow_links import Counts
from tests.simulation.owed import Key, about_link
from tests.simulation.people import Person
from tests.simulation.plain import LinkView, PageView, ProviderView, Slack, link_view, page_view, provider_view

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALL = 1_000_000
_COLUMNS = (
    "sequence, id, page_id, revision, kind, recipient_account_id, channel, faults, incident_id, state, attempts, "
    "next_attempt_time, create_time, last_error, doubtful"
)


@dataclass(frozen=True)
class Row:
    """One delivery."""

    sequence: int
    id: str
    key: Key
    incident: str
    state: str
    attempts: int
    due: datetime | None
    created: datetime
    last_error: str
    doubtful: bool

    @property
    def open(self) -> bool:
        return self.state in ("PENDING", "SENDING", "RETRYING")

    @property
    def for_operator(self) -> bool:
        return self.key[2] == "OPERATOR_ALERT"


class Database:
    """A connection of the observer's own."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)

    def close(self) -> None:
        self._connection.close()

    def sending(self, recipient: str, channel: str, kind: str) -> list[Row]:
        """What is claimed for a recipient."""
        where = "state = 'SENDING' AND recipient_account_id = ? AND channel = ? AND kind = ?"
        return self._rows(where, recipient, channel, kind)

    def open_for(self, recipient: str, channel: str) -> list[Row]:
        """What may still be sent to a recipient by a channel."""
        where = "next_attempt_time IS NOT NULL AND recipient_account_id = ? AND channel = ?"
        return self._rows(where, recipient, channel)

    def before(self, row: Row) -> list[Row]:
        """What the same incident owed the same recipient by the same channel before."""
        where = "incident_id = ? AND recipient_account_id = ? AND channel = ? AND sequence < ?"
        return self._rows(where, row.incident, row.key[3], row.key[4], row.sequence)

    def changed_since(self, sequence: int, open_ids: set[str]) -> list[Row]:
        """What is new since a place in the ledger, and those that were open."""
        return self._rows(
            "sequence > ? OR id IN (SELECT value FROM json_each(?))", sequence, json.dumps(list(open_ids))
        )

    def latest(self) -> list[Row]:
        """What was decided last."""
        return self._rows("sequence > (SELECT MAX(sequence) FROM deliveries) - 500")

    def rows(self) -> list[Row]:
        return self._rows("1")

    def counts(self) -> dict[str, tuple[Counts, datetime | None]]:
        """What is kept of each link without being told, and when its next check is due."""
        query = (
            "SELECT id, consecutive_failures, failing_since, quota_exhausted_since, last_check_time, next_check_time "
            "FROM links"
        )
        return {
            link_id: (Counts(failures, _time(since), _time(quota), _time(last)), _time(due))
            for link_id, failures, since, quota, last, due in self._connection.execute(query)
        }

    def links(self) -> list[tuple[LinkView, int]]:
        """Each link, with the revision of its last change."""
        rows = self._connection.execute(QUERIES["links_after"], ("", _ALL, "", "[]", "[]"))
        return [(link_view(link_to_wire(link)), link.revision) for link in map(link_of, rows)]

    def pages(self) -> list[tuple[PageView, int]]:
        """Each page, with the revision of its last change."""
        rows = self._connection.execute(QUERIES["pages_after"], ("", _ALL, "", "[]", "[]"))
        return [(page_view(page_to_wire(page)), page.revision) for page in map(page_of, rows)]

    def providers(self) -> list[tuple[ProviderView, int]]:
        """The provider's status, once it ever had an incident, with the revision of its last change."""
        rows = self._connection.execute(QUERIES["provider_statuses"])
        statuses = [provider_status_of(row) for row in rows]
        return [(provider_view(provider_status_to_wire(status)), status.revision) for status in statuses]

    def people(self) -> dict[str, Person]:
        """Each account."""
        rows = self._connection.execute(QUERIES["accounts_after"], ("", _ALL, "[]"))
        return {account.id: _person(account) for account in map(account_of, rows)}

    def log(self) -> list[tuple[int, bytes]]:
        """The log as far as it is kept."""
        return self._connection.execute("SELECT revision, encoded FROM events ORDER BY revision").fetchall()

    def _rows(self, where: str, *values: object) -> list[Row]:
        query = f"SELECT {_COLUMNS} FROM deliveries WHERE {where} ORDER BY sequence"
        return [_row(columns) for columns in self._connection.execute(query, values)]


def _person(account: Account) -> Person:
    slack = Slack(account.slack.user_id, account.slack.channel_id)
    wanted = tuple(channel.value for channel in account.channels)
    always = account.link_alerts.value == "ALWAYS"
    return Person(account.id, account.display_name, account.email, account.locale.value, slack, wanted, always)


def _row(columns: tuple[object, ...]) -> Row:
    (sequence, id_, page, revision, kind, recipient, channel, faults, incident, state, attempts, due, created, error,
     doubtful) = columns  # fmt: skip
    named = tuple(fault[0] for fault in json.loads(str(faults)))
    made = _time(created)
    if str(kind).startswith("LINK_"):
        page = about_link(json.loads(str(faults))[0][1])
    key = (page, revision, kind, recipient, channel, named, made)
    return Row(sequence, id_, key, incident, state, attempts, _time(due), made, error, bool(doubtful))  # type: ignore[arg-type]


def _time(micros: object) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=int(str(micros)))
