"""`calguard-server rotate-keys`: seals every stored secret with the first of TOKEN_KEYS, while a server may run."""

from calguard_server.commands.ending import EXIT_DIFFERS, say, tell
from calguard_server.commands.tables import show
from calguard_server.store.existing import opened
from calguard_server.store.rotation import Tally, count, rotate
from calguard_server.store.vault import Vault
from calguard_server.store_settings import KeySettings, read_model

_NAMED = 100
"""How many secrets that no key opens are named."""

_TOLD = 1000
"""After how many secrets progress is told."""


def rotate_keys(*, check: bool) -> int:
    """Rotate, or only count what is to be rotated; 0 where nothing is left under another key than the first."""
    settings = read_model(KeySettings, {})
    vault = Vault(settings.keys)
    if check:
        with opened(settings.database_path, current=True) as connection:
            tally = count(connection, vault)
    else:
        tally = rotate(settings.database_path, vault, _tell_progress, accept_lost=settings.accept_lost_keys)
    show(("KEY", "SECRETS", ""), _rows(vault, tally))
    _tell_unreadable(tally)
    left = tally.by_key.total() - tally.by_key[vault.fingerprints[0]]
    if left and not check:
        tell(f"{left} secrets are left under other keys than the first: a server seals with one: rotate again")
    return EXIT_DIFFERS if left else 0


def _rows(vault: Vault, tally: Tally) -> list[tuple[str, str, str]]:
    first, *others = vault.fingerprints
    rows = [(first, str(tally.by_key[first]), "the first of TOKEN_KEYS, which encrypts")]
    for each in others:
        left = tally.by_key[each]
        rows.append((each, str(left), "to be rotated" if left else "may be removed from TOKEN_KEYS"))
    if tally.unreadable:
        rows.append(("-", str(len(tally.unreadable)), "no key of TOKEN_KEYS opens them"))
    return rows


def _tell_unreadable(tally: Tally) -> None:
    lasting = [each for each in tally.unreadable if each.id]
    for each in lasting[:_NAMED]:
        tell(f"no key opens the secret of {each.noun} {each.id}")
    if len(lasting) > _NAMED:
        tell(f"and those of {len(lasting) - _NAMED} more")


def _tell_progress(noun: str, seen: int, total: int) -> None:
    if seen % _TOLD == 0 or seen == total:
        say(f"{noun}: {seen} of {total}")
