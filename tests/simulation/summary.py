"""What histories exercised, counted."""

from collections import Counter

_GROUPS = {
    "asked": ("account.", "page.create", "page.update", "page.delete", "page.stop", "page.resume", "begin", "link:",
              "select", "list", "check:",
        "report", "disconnect", "link.delete", "repeated"),
    "links were": ("link ",),
    "pages were": ("page ",),
    "checks that fell due": ("due check ",),
    "probes": ("met ",),
    "sent": ("sent ",),
    "not sent any more": ("dropped ",),
    "watchers": ("mirror ",),
}  # fmt: skip


def summary(tally: Counter[str]) -> str:
    """Say it in a few lines, the most frequent first."""
    left = Counter(tally)
    lines = []
    for title, prefixes in _GROUPS.items():
        mine = Counter({name: count for name, count in left.items() if name.startswith(prefixes)})
        left -= mine
        lines.append(f"{title}: {_counts(mine, prefixes)}")
    return "\n".join([f"in all: {_counts(left, ())}", *lines])


def _counts(counts: Counter[str], prefixes: tuple[str, ...]) -> str:
    prefix = prefixes[0] if len(prefixes) == 1 else ""
    return ", ".join(f"{name.removeprefix(prefix)} {count}" for name, count in counts.most_common())
