"""The page of settings, from the settings themselves."""

from datetime import timedelta

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from calguard_server.secret_files import SUFFIX, secret_names
from calguard_server.settings.durations import show_duration
from calguard_server.settings.server import Settings
from calguard_server.store_settings import PREFIX

_HEAD = """# Settings

`calguard-server` is configured by its environment. A setting that is missing or bad stops the start with its name and
what was expected. Durations are written `250ms`, `15s`, `10m`, `24h` or `3d`.

A setting that holds a secret can also be given as a file that holds it, as systemd, Docker and Kubernetes hand secrets
over: `CALGUARD_<NAME>_FILE`. White space around the secret is left out; both at once are refused. A file that every
user of the machine may read is warned of.

This page is generated from `server/calguard_server/settings` by `make gen`.

| setting | default | what it does |
|---|---|---|
"""


def settings_page() -> str:
    """Write the page."""
    return _HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    whole = PREFIX + name.upper()
    row = f"| `{whole}` | {_default(field)} | {field.description} |\n"
    if whole in secret_names(Settings):
        row += f"| `{whole}{SUFFIX}` | empty | The file that holds `{whole}`, in its place. |\n"
    return row


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, timedelta):
        value = show_duration(value)
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, tuple):
        value = ",".join(map(show_duration, value))
    return f"`{value}`" if value != "" else "empty"
