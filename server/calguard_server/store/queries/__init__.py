"""The named queries: each SQL statement with its name and purpose, read once from the files beside this one."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from calguard_server.store.columns import COLUMNS

_NAME = re.compile(r"^-- name: (\w+)\n(?:-- .*\n)+", re.MULTILINE)


def _read() -> Mapping[str, str]:
    queries: dict[str, str] = {}
    for name in ("rows.sql", "lists.sql", "work.sql", "counts.sql", "slack.sql", "appointments.sql"):
        parts = _NAME.split((files(__package__) / name).read_text())
        for key, statement in zip(parts[1::2], parts[2::2], strict=True):
            queries[key] = statement.strip().rstrip(";").format_map(COLUMNS)
    return MappingProxyType(queries)


QUERIES = _read()
"""Every statement by its name."""
