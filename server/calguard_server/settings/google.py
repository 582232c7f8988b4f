"""The settings of the OAuth client at Google, and of where Google is."""

from datetime import timedelta

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from calguard_server.settings.addresses import BaseUrl, Url, check_url
from calguard_server.settings.durations import RequestDuration


class GoogleSettings(BaseModel):
    """Who we are to Google, and where it is."""

    google_client_id: str = Field("", description="The OAuth client's id. Without it no calendar can be linked.")
    google_client_secret: SecretStr = Field(
        SecretStr(""), validate_default=True, description="The OAuth client's secret; goes with GOOGLE_CLIENT_ID."
    )
    google_redirect_uri: str = Field(
        "",
        description="Where Google sends people back to: the public address of `/oauth/callback`, as registered at "
        "Google. Empty: `http://HTTP_LISTEN/oauth/callback`.",
    )
    google_auth_uri: Url = Field("https://accounts.google.com/o/oauth2/v2/auth", description="Google's consent page.")
    google_token_uri: Url = Field("https://oauth2.googleapis.com/token", description="Google's token endpoint.")
    google_revoke_uri: Url = Field("https://oauth2.googleapis.com/revoke", description="Google's revocation endpoint.")
    google_certs_uri: Url = Field(
        "https://www.googleapis.com/oauth2/v1/certs",
        description="Google's certificates for ID tokens, as PEM by key id.",
    )
    google_api_endpoint: BaseUrl = Field(
        "https://www.googleapis.com/calendar/v3/", description="Google Calendar's API, with a trailing slash."
    )
    google_timeout: RequestDuration = Field(
        timedelta(seconds=15), description="How long a request to Google may take with its answer; at most 1m."
    )

    @field_validator("google_redirect_uri")
    @classmethod
    def _check_redirect(cls, text: str) -> str:
        return check_url(text) if text else text

    @field_validator("google_client_secret")
    @classmethod
    def _check_client(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        if bool(secret.get_secret_value()) != bool(info.data.get("google_client_id")):
            raise ValueError("expected GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET both, or neither")
        return secret
