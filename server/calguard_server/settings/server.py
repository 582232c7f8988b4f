"""Every setting of a server: the only reader of the environment. docs/settings.md is made of the descriptions."""

import os
from typing import Any

from calguard_server.secret_files import SUFFIX, exposed_secret_files, secret_names
from calguard_server.settings.appointments import AppointmentSettings
from calguard_server.settings.callers import CallerSettings
from calguard_server.settings.channels import ChannelSettings
from calguard_server.settings.checks import CheckSettings
from calguard_server.settings.google import GoogleSettings
from calguard_server.settings.incidents import IncidentSettings
from calguard_server.settings.limits import LimitSettings
from calguard_server.settings.notices import LinkBackSettings, NoticeSettings
from calguard_server.settings.process import ProcessSettings
from calguard_server.settings.retention import RetentionSettings
from calguard_server.settings.serving import ServingSettings
from calguard_server.settings.watches import WatchSettings
from calguard_server.store_settings import PREFIX, KeySettings, read_model

_OF_THE_CLIENT = {PREFIX + name for name in ("SERVER", "TOKEN", "TLS", "TLS_CA", "TLS_CLIENT_CERT", "TLS_CLIENT_KEY")}


class Settings(
    ProcessSettings,
    RetentionSettings,
    LimitSettings,
    WatchSettings,
    NoticeSettings,
    IncidentSettings,
    CheckSettings,
    AppointmentSettings,
    LinkBackSettings,
    ChannelSettings,
    GoogleSettings,
    ServingSettings,
    CallerSettings,
    KeySettings,
):
    """Every setting, read from `CALGUARD_<NAME>`, or where it is a secret, from the file `CALGUARD_<NAME>_FILE`.

    They are read, and listed in docs/settings.md, from the last of these classes to the first: a setting is checked
    against those before it.
    """


def read_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - as many types as settings
    """Read the environment; `overrides` come before it. Raises SettingsError, which names each bad setting."""
    return read_model(Settings, overrides)


def unknown_settings() -> list[str]:
    """Name what the environment sets that is no setting of the server: most likely a slip of the pen."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _OF_THE_CLIENT
    known |= {name + SUFFIX for name in secret_names(Settings)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def exposed_files() -> list[tuple[str, str]]:
    """Name the settings, each with its file, whose secret every user of this machine may read."""
    return exposed_secret_files(Settings, os.environ)
