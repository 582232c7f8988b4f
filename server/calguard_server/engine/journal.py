"""What was put into tables, and how it is taken back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from calguard_server.engine.tables import Tables

_Table = dict[str, Any]


@dataclass(slots=True)
class JournaledTables(Tables):
    """Tables that note whatever is put into them. `dirty` names the rows that were put, by table."""

    dirty: dict[str, set[str]] = field(default_factory=dict)
    _journal: list[Callable[[], object]] = field(default_factory=list)

    def _put(self, name: str, table: _Table, key: str, value: object) -> None:
        known, before = key in table, table.get(key)
        dirty = self.dirty.setdefault(name, set())
        if key not in dirty:
            dirty.add(key)
            self._journal.append(lambda: dirty.discard(key))
        table[key] = value
        if known:
            self._journal.append(lambda: table.__setitem__(key, before))
        else:
            self._journal.append(lambda: table.pop(key))

    def _index(self, index: dict[str, set[str]], account_id: str, key: str) -> None:
        keys = index.setdefault(account_id, set())
        if key not in keys:
            keys.add(key)
            self._journal.append(lambda: keys.discard(key))

    def _roll_back(self) -> None:
        while self._journal:
            self._journal.pop()()
