"""The settings of where gRPC and HTTP are served, and of TLS."""

import re
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from calguard_server.settings.addresses import LOOPBACK, check_address, is_loopback
from calguard_server.settings.callers import decides_who_calls

_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]{1,500}")  # what an address may hold that stands between < and >


class ServingSettings(BaseModel):
    """Where it is served, and by which certificate."""

    listen: str = Field(
        "127.0.0.1:50051",
        description="Where gRPC is served. Port 0 takes any that is free. Beyond loopback it takes "
        "AUTH_TOKENS_FILE, AUTH_JWT_ISSUER, or AUTH_ALLOW_ANONYMOUS.",
    )
    tls_cert: str = Field(
        "",
        description="The file of the certificate, in PEM, by which gRPC is served over TLS, and of those above it. It "
        "is read again when it changes. Empty: gRPC is served in plain text.",
    )
    tls_key: str = Field(
        "",
        validate_default=True,
        description="The file of its private key, in PEM, RSA or EC and without a passphrase; goes with TLS_CERT.",
    )
    tls_client_ca: str = Field(
        "",
        description="The file of the certificates, in PEM, of those who sign the certificates of callers; then none "
        "connects without one. It is read again when it changes. Empty: callers need no certificate.",
    )
    http_listen: str = Field(
        "127.0.0.1:8080",
        description="Where the OAuth callback, /healthz and /metrics are served, on loopback. Empty: nowhere.",
    )
    public_url: str = Field(
        "",
        description="The public address of HTTP_LISTEN, as a proxy serves it: `https://calguard.example.com`. E-mails "
        "that may be unsubscribed from name an address there. Empty: none does.",
    )

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, text: str, info: ValidationInfo) -> str:
        if not is_loopback(check_address(text)) and not decides_who_calls(info.data):
            raise ValueError(
                "expected a loopback address (127.0.0.1, localhost or [::1]), as callers are not authenticated: set "
                "CALGUARD_AUTH_TOKENS_FILE, or CALGUARD_AUTH_JWT_ISSUER, or CALGUARD_AUTH_ALLOW_ANONYMOUS=true behind "
                "a proxy that does it"
            )
        return text

    @field_validator("tls_key")
    @classmethod
    def _check_tls_key(cls, path: str, info: ValidationInfo) -> str:
        if bool(path) != bool(info.data.get("tls_cert")):
            raise ValueError("expected TLS_CERT and TLS_KEY both, or neither")
        return path

    @field_validator("tls_client_ca")
    @classmethod
    def _check_client_ca(cls, path: str, info: ValidationInfo) -> str:
        if path and not info.data.get("tls_cert"):
            raise ValueError("expected TLS_CERT and TLS_KEY to be set, too: without TLS nobody shows a certificate")
        return path

    @field_validator("http_listen")
    @classmethod
    def _check_http_listen(cls, text: str) -> str:
        if text and not is_loopback(check_address(text)):
            raise ValueError(
                "expected a loopback address (127.0.0.1, localhost or [::1]): what browsers reach of it, they reach "
                "through a proxy"
            )
        return text

    @field_validator("public_url")
    @classmethod
    def _check_public(cls, text: str, info: ValidationInfo) -> str:
        if not text:
            return text
        parts = urlsplit(text) if _PLAIN.fullmatch(text) else urlsplit("")
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not safe or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ValueError("expected https://HOST, perhaps with a port and a path (http:// for loopback only)")
        if not info.data.get("http_listen", text):
            raise ValueError("expected HTTP_LISTEN to be set, too: nothing is served there without it")
        return text.rstrip("/")
