"""The settings of who may call."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from calguard_server.settings.addresses import LOOPBACK, split_url
from calguard_server.settings.durations import WaitDuration, at_most

Leeway = Annotated[WaitDuration, AfterValidator(at_most(timedelta(minutes=5)))]


class CallerSettings(BaseModel):
    """By what callers are known."""

    auth_tokens_file: str = Field(
        "",
        description="The file of the tokens and certificates by which callers are known, and of their roles: see "
        "security.md. It is read again when it changes. Empty, and no AUTH_JWT_ISSUER: whoever can connect may call.",
    )
    auth_jwt_issuer: str = Field(
        "",
        description="Who issues the JWTs by which callers are known, besides those of AUTH_TOKENS_FILE: their `iss`. "
        "See security.md. Empty: nobody.",
    )
    auth_jwt_audience: str = Field(
        "", description="For whom JWTs have to be issued: what stands in their `aud`. Goes with AUTH_JWT_ISSUER."
    )
    auth_jwt_jwks: str = Field(
        "",
        validate_default=True,
        description="Where the keys are that sign JWTs, as a JSON Web Key Set: an https address (http on loopback), "
        "or a file, which is read again when it changes. Goes with AUTH_JWT_ISSUER.",
    )
    auth_jwt_leeway: Leeway = Field(
        timedelta(seconds=30), description="How far the clock of who issues JWTs may differ from ours; at most 5m."
    )
    auth_jwt_role_claim: str = Field(
        "calguard_role",
        min_length=1,
        description="The claim of JWTs that has the role, or a list: the highest role in it counts.",
    )
    auth_jwt_accounts_claim: str = Field(
        "",
        description='The claim of JWTs that lists the accounts that their callers are limited to; `"*"` is all. Each '
        "JWT must have it then. Empty: no JWT limits its caller.",
    )
    auth_allow_anonymous: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Lets LISTEN be reached by other machines without AUTH_TOKENS_FILE or AUTH_JWT_ISSUER, behind a "
        "proxy that authenticates callers.",
    )

    @field_validator("auth_allow_anonymous")
    @classmethod
    def _check_anonymous(cls, allowed: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic passes it
        if allowed and (info.data.get("auth_tokens_file") or info.data.get("auth_jwt_issuer")):
            raise ValueError(
                "expected either this, or AUTH_TOKENS_FILE and AUTH_JWT_ISSUER, which let in nobody who is not known"
            )
        return allowed

    @field_validator("auth_jwt_jwks")
    @classmethod
    def _check_jwks(cls, place: str, info: ValidationInfo) -> str:
        given = [bool(info.data.get(name)) for name in ("auth_jwt_issuer", "auth_jwt_audience")]
        if len({bool(place), *given}) > 1:
            raise ValueError("expected AUTH_JWT_ISSUER, AUTH_JWT_AUDIENCE and AUTH_JWT_JWKS all, or none")
        parts = split_url(place)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("expected https:// (http:// for loopback only), or the path of a file")
        if parts.scheme in ("http", "https") and (not parts.hostname or parts.username is not None):
            raise ValueError("expected https://HOST/PATH without a user, or the path of a file")
        return place


def decides_who_calls(given: dict[str, Any]) -> bool:
    """Whether it is settled who may call from other machines; what is bad about it is complained of by itself."""
    if "auth_allow_anonymous" not in given:
        return True
    known = given.get("auth_tokens_file") or given.get("auth_jwt_issuer")
    return bool(known or given["auth_allow_anonymous"])
