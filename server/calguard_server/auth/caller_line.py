"""A line of the file of callers: `NAME ROLE KNOWN-BY [expires=TIME] [accounts=ID,...]`.

What is said of a bad line says what was expected, never what stands there: it may be a token, put there by mistake.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from calguard_server.auth.callers import ROLES, Caller, Role
from calguard_server.domain.scope import ACCOUNTS_MAX, EVERYTHING, Scope

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ACCOUNT = _NAME
_HASH = re.compile(r"sha256:([0-9A-Fa-f]{64})")
_DNS = re.compile(r"dns:([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+")
_URI = re.compile(r"uri:[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_FIELDS_MIN = 3
_OPTIONS = ("expires", "accounts")

_LINE = "NAME ROLE sha256:HEX (or dns:NAME, or uri:URI) [expires=TIME] [accounts=ID,...]"


def parse_line(line: bytes) -> tuple[bytes | str, Caller]:
    """Read a line: by what a caller is known, and the caller. Raises ValueError, which says what was expected."""
    fields = line.decode("ascii", errors="replace").split()
    if len(fields) < _FIELDS_MIN:
        raise ValueError(f"expected {_LINE}")
    name, role, known_by, *more = fields
    options = _options(more)
    scope = _scope(options["accounts"]) if "accounts" in options else EVERYTHING
    expires = _expires(options["expires"]) if "expires" in options else None
    return _key(known_by), Caller(caller_name(name), _role(role), expires, scope)


def line_for(caller: Caller, digest: bytes) -> str:
    """Write the line of a token that does not expire."""
    line = f"{caller.name} {caller.role.word} sha256:{digest.hex()}"
    accounts = caller.scope.account_ids
    return line if accounts is None else f"{line} accounts={','.join(sorted(accounts))}"


def caller_name(text: str) -> str:
    """Read a name. Raises ValueError, which says what was expected."""
    if _NAME.fullmatch(text) is None:
        raise ValueError("expected a name of up to 63 letters, digits, dots, hyphens and underscores, no mark first")
    return text


def account_scope(account_ids: list[str]) -> Scope:
    """Answer the scope of some accounts. Raises ValueError, which says what was expected."""
    if not account_ids or not all(_ACCOUNT.fullmatch(each) for each in account_ids):
        raise ValueError("expected ids of accounts, one at least")
    if len(account_ids) > ACCOUNTS_MAX:
        raise ValueError(f"expected at most {ACCOUNTS_MAX} accounts")
    return Scope(frozenset(account_ids))


def _options(fields: list[str]) -> Mapping[str, str]:
    options: dict[str, str] = {}
    for field in fields:
        option, equals, value = field.partition("=")
        if not equals or option not in _OPTIONS or option in options:
            raise ValueError(
                "expected expires= and a time such as 2030-01-31T00:00:00Z, or accounts= and ids with commas between, "
                "at the end, each once, or nothing"
            )
        options[option] = value
    return options


def _role(text: str) -> Role:
    if text not in ROLES:
        raise ValueError("expected the role reader, writer or admin after the name")
    return ROLES[text]


def _key(text: str) -> bytes | str:
    if match := _HASH.fullmatch(text):
        return bytes.fromhex(match[1])
    if _DNS.fullmatch(text):
        return text.lower()
    if _URI.fullmatch(text):
        return text
    raise ValueError(
        "expected sha256: and 64 hexadecimal digits after the role, as calguard-server new-token prints them; or a "
        "name of a certificate: dns: and a host's name without a wildcard, or uri: and a URI such as spiffe://..."
    )


def _scope(text: str) -> Scope:
    try:
        return account_scope(text.split(","))
    except ValueError as error:
        raise ValueError(f"{error}, with commas between, after accounts=") from None


def _expires(text: str) -> datetime:
    if _TIME.fullmatch(text) is None:
        raise ValueError("expected expires= and a time such as 2030-01-31T00:00:00Z at the end, or nothing")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("expected a time that exists after expires=, such as 2030-01-31T00:00:00Z") from None
