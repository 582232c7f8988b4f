"""The settings of the channels by which people are told."""

import ssl

from pydantic import BaseModel, Field, SecretStr, field_validator

from calguard_server.notifiers.smtp_options import SmtpOptions
from calguard_server.settings.addresses import BaseUrl, Mailbox


class ChannelSettings(BaseModel):
    """Slack, the mail server, and where webhooks may go."""

    slack_base_url: BaseUrl = Field("https://slack.com/api/", description="Slack's Web API, with a trailing slash.")
    slack_bot_token: SecretStr = Field(
        SecretStr(""), description="The bot token of the default Slack workspace. Empty: there is none."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The mail server: `smtp://user:password@host:port` (STARTTLS required; `?starttls=off` to do "
        "without), or `smtps://...`. Empty: nobody is told by e-mail.",
    )
    email_from: Mailbox = Field("Calguard <calguard@localhost>", description="The sender of e-mail.")
    webhook_allow_private_addresses: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Lets webhooks go to private, loopback and link-local addresses, too: then whoever may write "
        "accounts may have this server call what only it can reach.",
    )
    webhook_ca_file: str = Field(
        "",
        description="A file of certificates in PEM that receivers of webhooks may have theirs from, besides those that "
        "the system trusts. Empty: none.",
    )

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():
            SmtpOptions.parse(url.get_secret_value())
        return url

    @field_validator("webhook_ca_file")
    @classmethod
    def _check_ca_file(cls, path: str) -> str:
        if path:
            _check_certificates(path)
        return path


def _check_certificates(path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # it is not there, may not be read, or holds no certificate
        raise ValueError("expected a file of certificates in PEM") from None
