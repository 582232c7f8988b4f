"""Key sets: which of their keys serve, and what is said of sets that have none."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from calguard_server.auth.jwks import FLOOR, Jwks, JwksError, KeyId, parse
from calguard_server.domain.errors import UnauthenticatedError, UnavailableError
from tests.fakes.issuer import Key, ec_key, key_set, rsa_key
from tests.fakes.world import ManualClock

RSA, EC = rsa_key("r"), ec_key("e")
WIDE = Key("w", ec.generate_private_key(ec.SECP384R1()))


def without(key: Key, *names: str) -> dict[str, Any]:
    return {name: value for name, value in key.public().items() if name not in names}


def test_rsa_and_p256_keys_serve() -> None:
    """Each by its kid and the algorithm that its kind is for, whether the set names that or not."""
    assert set(parse(key_set(RSA.public(), EC.public()))) == {KeyId("r", "RS256"), KeyId("e", "ES256")}
    assert set(parse(key_set(without(RSA, "alg", "use"), without(EC, "alg", "use")))) == {
        KeyId("r", "RS256"),
        KeyId("e", "ES256"),
    }


@pytest.mark.parametrize(
    "other",
    [
        rsa_key("weak", 1024).public(),
        WIDE.public(alg="ES384"),
        WIDE.public(),
        RSA.public(use="enc"),
        RSA.public(alg="RS512"),
        RSA.public(kid=""),
        RSA.public(kid=7),
        EC.public(x="AAAA"),
        RSA.public(n="!"),
        {"kty": "oct", "kid": "o", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "EC", "kid": "e", "crv": "P-256"},
        "hunter2",
        None,
    ],
)
def test_what_does_not_serve_is_left_out(other: Any) -> None:  # noqa: ANN401 - whatever a set may hold
    """It may be for others; a set of nothing else is refused."""
    assert set(parse(key_set(other, EC.public()))) == {KeyId("e", "ES256")}
    with pytest.raises(JwksError, match="expected a JSON Web Key Set with public keys"):
        parse(key_set(other))


@pytest.mark.parametrize("raw", [b"", b"hunter2", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b"\xff"])
def test_what_is_no_set_is_refused(raw: bytes) -> None:
    with pytest.raises(JwksError) as refusal:
        parse(raw)
    assert "hunter2" not in str(refusal.value)


def test_a_private_key_is_refused() -> None:
    """Whoever put it there gave it away."""
    with pytest.raises(JwksError, match="a private key stands there"):
        parse(key_set(RSA.public(), EC.public(d="AAAA")))


class Source:
    """Answers what a test puts there."""

    def __init__(self, *keys: Key) -> None:
        self.reads = 0
        self.raw: bytes | None = key_set(*(key.public() for key in keys))
        self.down = False

    async def read(self) -> bytes | None:
        self.reads += 1
        if self.down:
            raise JwksError("down")
        return self.raw


async def test_keys_are_looked_for_once_in_a_while() -> None:
    """A key that is known is at hand, whatever else is asked for."""
    source, clock = Source(RSA), ManualClock()
    jwks = Jwks(source, clock)
    assert await jwks.refresh()
    assert not await jwks.refresh()
    assert (await jwks.find(KeyId("r", "RS256"))).id.kid == "r"
    for _ in range(3):
        with pytest.raises(UnauthenticatedError):
            await jwks.find(KeyId("e", "ES256"))
    assert source.reads == 2
    source.raw = key_set(EC.public())
    clock.advance(FLOOR)
    known = await jwks.find(KeyId("e", "ES256"))
    assert jwks.holds(known)
    with pytest.raises(UnauthenticatedError):
        await jwks.find(KeyId("r", "RS256"))
    assert source.reads == 3


async def test_an_outage_leaves_the_keys_and_says_so_of_others() -> None:
    source, clock = Source(RSA), ManualClock()
    jwks = Jwks(source, clock)
    source.down = True
    with pytest.raises(UnavailableError) as refusal:
        await jwks.find(KeyId("r", "RS256"))
    assert refusal.value.reason == "KEYS_UNAVAILABLE"
    source.down = False
    clock.advance(FLOOR)
    known = await jwks.find(KeyId("r", "RS256"))
    source.down = True
    with pytest.raises(JwksError):
        await jwks.refresh()
    assert jwks.holds(known)
    with pytest.raises(UnavailableError):
        await jwks.find(KeyId("e", "ES256"))


async def test_what_is_bad_stays_bad_until_it_changes() -> None:
    """A file is read only where it has changed."""
    source = Source(RSA)
    jwks = Jwks(source, ManualClock())
    await jwks.refresh()
    for raw in (b"bad", None):
        source.raw = raw
        with pytest.raises(JwksError):
            await jwks.refresh()
    source.raw = key_set(EC.public())
    assert await jwks.refresh()


async def test_another_key_of_the_same_name_is_another() -> None:
    source = Source(RSA)
    jwks = Jwks(source, ManualClock())
    known = await jwks.find(KeyId("r", "RS256"))
    source.raw = json.dumps({"keys": [rsa_key("r").public()]}).encode()
    assert await jwks.refresh()
    assert not jwks.holds(known)
