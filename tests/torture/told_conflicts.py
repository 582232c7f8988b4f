"""What owners were told of what is in the way of appointments: by the ledger, and by the mail that they have."""

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from calguard_sandbox import Sandbox

_SUBJECT = "Two things at the same time"
_ADDRESS = re.compile(r"/appointments/(\S+)")
_LEDGER = """
SELECT stage, state, (SELECT COUNT(*) FROM delivery_attempts WHERE delivery = sequence AND outcome = 'UNKNOWN')
FROM deliveries WHERE kind = 'APPOINTMENT_CONFLICT' AND channel = 'EMAIL'
"""


@dataclass(frozen=True)
class Told:
    """Of one appointment: the states of what was owed, how many tries nobody knows the outcome of, and mails."""

    states: tuple[str, ...] = ()
    doubtful: int = 0
    mails: int = 0


class ToldConflicts:
    """Reads both; mail is counted as it is read."""

    def __init__(self, database: Path, sandbox: Sandbox) -> None:
        self._database = database
        self._sandbox = sandbox
        self._read = 0
        self._mails: Counter[str] = Counter()

    def read(self) -> Mapping[str, Told]:
        """By appointment."""
        received = self._sandbox.mail.received
        for entry in received.after(self._read):
            if entry.record.subject.startswith(_SUBJECT):
                self._mails.update(set(_ADDRESS.findall(entry.record.text)))
        self._read = received.last
        states: dict[str, list[str]] = {}
        doubtful: Counter[str] = Counter()
        with closing(sqlite3.connect(self._database)) as connection:
            for stage, state, unknown in connection.execute(_LEDGER):
                appointment_id = stage.split(":")[1]
                states.setdefault(appointment_id, []).append(state)
                doubtful[appointment_id] += unknown
        return {
            each: Told(tuple(states.get(each, ())), doubtful[each], self._mails[each])
            for each in states.keys() | self._mails.keys()
        }
