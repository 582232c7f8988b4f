"""The keys that bearer JWTs are signed with: what a JSON Web Key Set says (RFC 7517), kept until it says otherwise.

1. RSA keys of 2048 bits at least are for RS256, P-256 keys for ES256. Whatever else a set holds is for others.
2. An outage leaves the keys read last in force. A key that a later set does not hold is trusted no more.
3. A token of a key that is not known has the set read anew, but not more often than a floor allows: anybody can make up
   such tokens.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct

from calguard_server.domain.errors import CalguardError, UnauthenticatedError, UnavailableError
from calguard_server.engine.ports.clock import Clock

RS256, ES256 = "RS256", "ES256"
FLOOR = timedelta(seconds=10)
"""How long nothing is asked for again because of a key that is not known."""

_RSA_BITS = 2048
_KEYS_MAX = 100
_EXPECTED = (
    "expected a JSON Web Key Set with public keys, each with a kid: RSA of 2048 bits at least, or EC of the curve P-256"
)


class JwksError(Exception):
    """The keys cannot be read, or are none. The text says of what, and what was expected."""


class KeyId(Struct, frozen=True):
    """What tells keys apart: the `kid` of a token's header, and its `alg`."""

    kid: str
    algorithm: str


class SigningKey(Struct, frozen=True):
    """A public key; its thumbprint (RFC 7638) tells whether it is still the same."""

    id: KeyId
    thumbprint: str
    key: RSAKey | ECKey


class KeySource(Protocol):
    """Where the keys are: a file, or an address."""

    async def read(self) -> bytes | None:
        """Read them; None where they are known not to have changed. Raises JwksError."""
        ...


class Jwks:
    """Holds the keys. None is held before the first `refresh`."""

    def __init__(self, source: KeySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._keys: Mapping[KeyId, SigningKey] = {}
        self._reading = asyncio.Lock()
        self._read_at: float | None = None
        self._fault: JwksError | None = JwksError("the keys were not read yet")

    async def refresh(self) -> bool:
        """Read the keys; answer whether they are others by now. Raises JwksError, and leaves them as they are."""
        async with self._reading:
            return await self._read()

    async def find(self, key_id: KeyId) -> SigningKey:
        """Answer a key, having looked for it where it is not known.

        Raises UnauthenticatedError `TOKEN_UNKNOWN`, UnavailableError `KEYS_UNAVAILABLE` where they cannot be read.
        """
        if key_id not in self._keys:
            async with self._reading:
                await self._look_for(key_id)
        found = self._keys.get(key_id)
        if found is None:
            raise self._missing()
        return found

    def holds(self, key: SigningKey) -> bool:
        """Whether a key is still the one of its name."""
        held = self._keys.get(key.id)
        return held is not None and held.thumbprint == key.thumbprint

    async def _look_for(self, key_id: KeyId) -> None:
        now = self._clock.timer()
        early = self._read_at is not None and now - self._read_at < FLOOR.total_seconds()
        if key_id in self._keys or early:
            return
        try:
            await self._read()
        except JwksError:
            return  # told by `_missing`, and by what reads them regularly

    async def _read(self) -> bool:
        self._read_at = self._clock.timer()
        before = self._keys
        try:
            raw = await self._source.read()
            if raw is not None:
                self._keys, self._fault = parse(raw), None
        except JwksError as fault:
            self._fault = fault
        if self._fault is not None:
            raise self._fault
        return {key.thumbprint for key in before.values()} != {key.thumbprint for key in self._keys.values()}

    def _missing(self) -> CalguardError:
        if self._fault is not None:
            text = "whether the token is good cannot be told right now: the keys that sign tokens cannot be read"
            return UnavailableError("KEYS_UNAVAILABLE", text)
        return UnauthenticatedError("TOKEN_UNKNOWN", "this server does not know the key that signed the token")


def parse(raw: bytes) -> Mapping[KeyId, SigningKey]:
    """Read a set. Raises JwksError where it has no key that serves."""
    try:
        content = json.loads(raw)
    except ValueError:
        raise JwksError(_EXPECTED) from None
    listed = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise JwksError(_EXPECTED)
    keys = [key for each in listed[:_KEYS_MAX] if (key := _key(each)) is not None]
    if not keys:
        raise JwksError(_EXPECTED)
    return {key.id: key for key in keys}


def _key(data: Any) -> SigningKey | None:  # noqa: ANN401 - whatever the set holds
    if not isinstance(data, dict) or not isinstance(kid := data.get("kid"), str) or not kid:
        return None
    if "d" in data:
        raise JwksError(f"{_EXPECTED}; a private key stands there, which is known to whoever reads it")
    algorithm = {"RSA": RS256, "EC": ES256}.get(str(data.get("kty")), "")
    if data.get("use", "sig") != "sig" or data.get("alg", algorithm) != algorithm or not _serves(data, algorithm):
        return None
    try:
        key = RSAKey.import_key(data) if algorithm == RS256 else ECKey.import_key(data)
        return SigningKey(KeyId(kid, algorithm), key.thumbprint(), key)
    except (JoseError, ValueError, TypeError):
        return None


def _serves(data: Mapping[str, Any], algorithm: str) -> bool:
    if algorithm == ES256:
        return data.get("crv") == "P-256"
    try:
        modulus = base64.urlsafe_b64decode(f"{data.get('n')}===")
    except ValueError:
        return False
    return algorithm == RS256 and int.from_bytes(modulus).bit_length() >= _RSA_BITS
