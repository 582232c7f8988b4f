"""`calguard-server check`: whether a server would start with these settings, and find what it needs."""

import os
from collections.abc import Iterator
from pathlib import Path

import uvloop

from calguard_server.auth.tokens_file import TokensFile, TokensFileError
from calguard_server.commands.check_database import look_at_database
from calguard_server.commands.check_online import look_online
from calguard_server.commands.ending import EXIT_DIFFERS
from calguard_server.commands.findings import Finding, Standing, failed, fine, skipped, warning
from calguard_server.commands.tables import show
from calguard_server.secret_files import SUFFIX, secret_names
from calguard_server.settings.server import Settings, exposed_files, read_settings, unknown_settings
from calguard_server.store.vault import Vault
from calguard_server.store_settings import DatabaseSettings, KeySettings, SettingsError, read_model


def check(*, online: bool) -> int:
    """Look at everything; 0 where nothing has failed."""
    found = list(_look(online=online))
    show(("CHECK", "RESULT", "DETAIL"), [(each.name, each.standing.value, each.detail) for each in found])
    return EXIT_DIFFERS if any(each.standing is Standing.FAILED for each in found) else 0


def _look(*, online: bool) -> Iterator[Finding]:
    settings: Settings | None = None
    try:
        settings = read_settings()
        yield fine("settings", _told_of_secrets())
    except SettingsError as error:
        yield from (failed("settings", line) for line in str(error).splitlines())
    yield from (warning("settings", f"{name}: is not a setting of this server") for name in unknown_settings())
    for name, path in exposed_files():
        yield warning("settings", f"{name}: every user of this machine may read {path}: chmod o-rw")
    if settings is not None:
        yield _callers(settings)
    yield from _database()
    if online:
        yield from _online(settings)


def _told_of_secrets() -> str:
    given = [name for name in secret_names(Settings) if os.environ.get(name) or os.environ.get(name + SUFFIX)]
    in_files = [name for name in given if os.environ.get(name + SUFFIX)]
    return f"in order; {len(given)} secrets, {len(in_files)} of them from files"


def _callers(settings: Settings) -> Finding:
    if not settings.auth_tokens_file and settings.auth_jwt_issuer:
        return fine("callers", "known by JWTs")
    if not settings.auth_tokens_file:
        return warning("callers", "neither AUTH_TOKENS_FILE nor AUTH_JWT_ISSUER is set: whoever can connect may call")
    try:
        callers = TokensFile(Path(settings.auth_tokens_file)).read()
    except TokensFileError as error:
        return failed("callers", f"CALGUARD_AUTH_TOKENS_FILE: {error}")
    return fine("callers", f"{len(callers)} are known") if callers else warning("callers", "nobody is in the file")


def _database() -> Iterator[Finding]:
    try:
        path = read_model(DatabaseSettings, {}).database_path
    except SettingsError:  # told already
        yield skipped("database", "it takes a good DATABASE_URL")
        return
    yield from look_at_database(path, _vault())


def _vault() -> Vault | None:
    try:
        return Vault(read_model(KeySettings, {}).keys)
    except SettingsError:  # told already
        return None


def _online(settings: Settings | None) -> list[Finding]:
    if settings is None:
        return [skipped("online", "it takes settings that are in order")]

    async def look() -> list[Finding]:
        return [each async for each in look_online(settings)]

    return uvloop.run(look())
