"""The settings that every command on a database takes: which one it is, and what encrypts the secrets in it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from calguard_server.domain.secret import Secret
from calguard_server.secret_files import SUFFIX, read_secret_files

PREFIX = "CALGUARD_"

M = TypeVar("M", bound=BaseSettings)

_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
KEY_RECIPE = "make one with: python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
"""How to make a key: needs nothing but Python itself."""


class SettingsError(Exception):
    """A setting is missing or bad; the text names each and says what was expected, and holds no secret."""


def split_list(text: object) -> object:
    """Read what is separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


Keys = Annotated[list[SecretStr], NoDecode, BeforeValidator(split_list)]


class DatabaseSettings(BaseSettings):
    """Which database it is."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(
        "sqlite:///calguard.db",
        description="The database: `sqlite:///relative/path.db` or `sqlite:////absolute/path.db`.",
    )

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, text: str) -> str:
        if not text.startswith("sqlite:///") or len(text) == len("sqlite:///"):
            raise ValueError("expected sqlite:///relative/path.db or sqlite:////absolute/path.db")
        return text

    @property
    def database_path(self) -> Path:
        """The file of the database."""
        return Path(self.database_url.removeprefix("sqlite:///"))


class KeySettings(DatabaseSettings):
    """Which database it is, and what encrypts the secrets in it."""

    token_keys: Keys = Field(
        description="Fernet keys that encrypt stored tokens, comma-separated: the first encrypts, all decrypt. "
        f"Required; {KEY_RECIPE}"
    )
    accept_lost_keys: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Lets a server start, and keys be rotated, although a key is not in TOKEN_KEYS under which secrets "
        "are stored. Each link whose grant it encrypts then fails until its person links again.",
    )

    @field_validator("token_keys")
    @classmethod
    def _check_keys(cls, keys: list[SecretStr]) -> list[SecretStr]:
        if not keys:
            raise ValueError(f"expected at least one key; {KEY_RECIPE}")
        for key in keys:
            _check_key(key)
        return keys

    @property
    def keys(self) -> list[Secret]:
        """The keys, the one that encrypts first."""
        return [Secret(key.get_secret_value()) for key in self.token_keys]


def read_model(model: type[M], overrides: dict[str, Any]) -> M:
    """Read a model from the environment and the files that it names; `overrides` come before it.

    Raises SettingsError, which names each bad setting.
    """
    held, wrong = read_secret_files(model, os.environ)
    given = {name.removeprefix(PREFIX).lower(): text for name, text in held.items()}
    try:
        settings = model(**{name: _listed(model, name, text) for name, text in given.items()} | overrides)
    except ValidationError as error:
        complaints = [
            f"{name}{SUFFIX if name in held else ''}: {what}"
            for name, what in _complaints(error, model)
            if name not in wrong
        ]
        raise SettingsError("\n".join([*wrong.values(), *complaints])) from None
    if wrong:
        raise SettingsError("\n".join(wrong.values()))
    return settings


def _listed(model: type[BaseSettings], name: str, text: str) -> str:
    """In a file the parts of a list may also stand one a line."""
    return text if model.model_fields[name].annotation is SecretStr else text.replace("\n", ",")


def _check_key(key: SecretStr) -> None:
    # Fernet itself ignores what is no base64, and all that follows the padding: two keys without a comma would be one.
    if not _KEY.fullmatch(key.get_secret_value()):
        raise ValueError(f"expected 32 bytes in URL-safe base64, several with commas between; {KEY_RECIPE}")


def _complaints(error: ValidationError, model: type[BaseSettings]) -> Iterable[tuple[str, str]]:
    prefix = model.model_config["env_prefix"]
    for each in error.errors(include_input=False, include_url=False):
        name = prefix + str(each["loc"][0]).upper()
        if each["type"] == "missing":
            advice = f"; {KEY_RECIPE}" if name.endswith("TOKEN_KEYS") else ""
            yield name, f"is not set{advice}"
        else:
            yield name, each["msg"].removeprefix("Value error, ")
