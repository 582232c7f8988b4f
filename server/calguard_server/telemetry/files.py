"""What `/metrics` shows of the database's files, and of the room that is left for them."""

import shutil
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

_FILES = {"database": "", "log": "-wal"}


class FileMetrics:
    """Gauges of a SQLite database at `path`; they are read as they are asked for."""

    def __init__(self, path: Path, registry: CollectorRegistry) -> None:
        self._path = path
        sizes = Gauge(
            "calguard_store_file_bytes",
            "How large the database's file is, and the log of what is not moved into it yet.",
            ["file"],
            registry=registry,
        )
        for name, suffix in _FILES.items():
            sizes.labels(name).set_function(partial(self._size, suffix))
        Gauge(
            "calguard_store_free_bytes", "How much room is left on the database's file system.", registry=registry
        ).set_function(lambda: shutil.disk_usage(self._path.parent).free)

    def _size(self, suffix: str) -> float:
        file = self._path.with_name(self._path.name + suffix)
        return float(file.stat().st_size) if file.exists() else 0.0
