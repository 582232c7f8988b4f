"""Secrets from files: a setting that holds a secret may be given as `CALGUARD_<NAME>_FILE`, the file that holds it.

What is in the environment is there for every child process, and for whoever may read /proc/PID/environ; files are how
systemd, Docker and Kubernetes hand over secrets.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from pydantic import SecretStr
from pydantic_settings import BaseSettings

SUFFIX = "_FILE"
_LONGEST = 65_536
_OF_OTHERS = stat.S_IROTH | stat.S_IWOTH


def secret_names(model: type[BaseSettings]) -> list[str]:
    """Name the settings of a model, as in the environment, that may be given as a file: those that hold secrets."""
    prefix = model.model_config["env_prefix"]
    return [
        prefix + name.upper()
        for name, field in model.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    ]


def read_secret_files(
    model: type[BaseSettings], environment: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Answer what the files hold, and what is wrong, each by the setting's name in the environment."""
    held: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name in secret_names(model):
        path = environment.get(name + SUFFIX)
        if not path:
            continue
        if environment.get(name):
            wrong[name] = f"{name} and {name}{SUFFIX} are both set: expected one of them"
            continue
        try:
            held[name] = _read(Path(path))
        except ValueError as error:
            wrong[name] = f"{name}{SUFFIX}: {path}: {error}"
    return held, wrong


def exposed_secret_files(model: type[BaseSettings], environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name settings, each with its file, that every user of this machine may read, or write."""
    given = [(name + SUFFIX, environment.get(name + SUFFIX)) for name in secret_names(model)]
    return [(name, path) for name, path in given if path and _is_exposed(Path(path))]


def _is_exposed(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OF_OTHERS)
    except OSError:  # what cannot be read is complained of elsewhere
        return False


def _read(path: Path) -> str:
    """Read a secret, without the white space around it. Raises ValueError, whose text shows nothing of it."""
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {os.strerror(error.errno or 0)}") from None
    if len(content) > _LONGEST:
        raise ValueError(f"expected at most {_LONGEST} bytes")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("expected text in UTF-8") from None
    if not text:
        raise ValueError("is empty")
    if "\0" in text:
        raise ValueError("expected text")
    return text
