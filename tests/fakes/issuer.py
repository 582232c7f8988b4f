"""An issuer of JWTs: its keys, the tokens that it signs, and the address where it publishes its keys."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.fakes.world import START

ISSUER, AUDIENCE = "https://issuer.example", "calguard"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Key:
    """A key that signs, under a name."""

    kid: str
    private: Private

    @property
    def algorithm(self) -> str:
        return "RS256" if isinstance(self.private, rsa.RSAPrivateKey) else "ES256"

    def public(self, **more: object) -> dict[str, object]:
        """As a key set has it."""
        made: Any = (
            RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            if isinstance(self.private, rsa.RSAPrivateKey)
            else ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        )
        return {**made, "kid": self.kid, "alg": self.algorithm, "use": "sig", **more}

    def sign(self, claims: Mapping[str, object], **header: object) -> str:
        """Sign a token that says so."""
        return jwt.encode(dict(claims), self.private, self.algorithm, headers={"kid": self.kid, **header})


def rsa_key(kid: str, bits: int = 2048) -> Key:
    return Key(kid, rsa.generate_private_key(public_exponent=65537, key_size=bits))


def ec_key(kid: str) -> Key:
    return Key(kid, ec.generate_private_key(ec.SECP256R1()))


def key_set(*keys: Mapping[str, object]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def claims(**more: object) -> dict[str, object]:
    """What a good token of a reader says; None leaves a claim out."""
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "booking", "exp": at(hours=1), "calguard_role": "reader", **more}
    return {name: value for name, value in said.items() if value is not None}


def at(start: datetime = START, **later: float) -> int:
    """Seconds since 1970, so long after a moment."""
    return int((start + timedelta(**later)).timestamp())


@dataclass
class Published:
    """What an address answers, and how often it was asked."""

    body: bytes = b""
    status: int = 200
    asked: int = 0
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(body=self.body, status=self.status, headers=self.headers)


@asynccontextmanager
async def publishing(body: bytes) -> AsyncIterator[Published]:
    """Publish keys at an address on loopback."""
    published, app = Published(body), web.Application()
    app.router.add_get("/keys", published.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    published.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    try:
        yield published
    finally:
        await runner.cleanup()
