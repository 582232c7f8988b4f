"""JWTs of shapes that no issuer would make: every registered parameter and claim of the wrong type, nested, huge.

Some are signed as they should be, so that what comes after the signature meets odd payloads, too.
"""

import base64
import json
import random

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.fakes.certificates import END
from tests.fakes.issuer import Key, claims
from tests.fuzz.mutation import mutated

_PARAMETERS = ("alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "b64", "zip", "enc")
_CLAIMS = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "calguard_role", "calguard_accounts")
_NESTED_MAX = 3_000
_HUGE = b"9" * 5_000
_ODD = (
    None,
    True,
    0,
    -1,
    5,
    1.5,
    10**30,
    -(10**30),
    "",
    "x",
    "\ud800",
    "none",
    "HS256",
    "ES256",
    [],
    [[]],
    {},
    {"": []},
)
_ODD_LISTS = (["b64"], ["exp", 5], [None], ["alg"], ["unheard-of"], [{}])
_RAW = (b"null", b"5", b'"alg"', b'["alg"]', b"", b"{", b"\xff\xfe", b'{"alg":"ES256","alg":5}', b"NaN")


class Bearers:
    """Makes tokens; those that are signed are signed by `key`."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def made(self, chance: random.Random) -> str:
        """Make one."""
        header = _spoilt({"alg": "ES256", "kid": self._key.kid, "typ": "JWT"}, _PARAMETERS, chance)
        payload = json.dumps(claims(exp=int(END.timestamp()))).encode()
        if chance.random() < 0.5:
            payload = _spoilt(claims(exp=int(END.timestamp())), _CLAIMS, chance)
            header = header if chance.random() < 0.3 else json.dumps({"alg": "ES256", "kid": self._key.kid}).encode()
        signed = b".".join((_encoded(header), _encoded(payload)))
        signature = self._signature(signed) if chance.random() < 0.7 else chance.randbytes(chance.choice((0, 63, 64)))
        token = b".".join((signed, _encoded(signature)))
        sent = mutated(token, [token], chance) if chance.random() < 0.1 else token
        return "".join(chr(byte) for byte in sent if 0x20 < byte < 0x7F)  # gRPC's own client lets no others out

    def _signature(self, signed: bytes) -> bytes:
        """Sign as ES256 has it."""
        private = self._key.private
        r, s = decode_dss_signature(private.sign(signed, ECDSA(SHA256())))  # type: ignore[call-arg, arg-type] # an EC key
        return r.to_bytes(32) + s.to_bytes(32)


def _spoilt(right: dict[str, object], names: tuple[str, ...], chance: random.Random) -> bytes:
    """Spoil an object in one way: parts of other types, one that is nested deeply or huge, or no object at all."""
    name = chance.choice(names)
    match chance.choice(("odd", "odd", "odd", "nested", "huge", "long", "left out", "none")):
        case "odd":
            odd = {chance.choice(names): chance.choice((*_ODD, *_ODD_LISTS)) for _ in range(chance.randint(1, 3))}
            return json.dumps({**right, **odd}).encode()
        case "nested":
            depth = chance.randint(2, _NESTED_MAX)
            opened, closed = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
            return _with(right, name, opened * depth + b"5" + closed * (depth if chance.random() < 0.7 else 0))
        case "huge":
            return _with(right, name, chance.choice((_HUGE, b"1e999", b"-1e999", b"NaN", b"0." + _HUGE)))
        case "long":
            return json.dumps({**right, name: "x" * chance.choice((300, 600, 9_000))}).encode()
        case "left out":
            return json.dumps({key: value for key, value in right.items() if key != name}).encode()
        case _:
            return chance.choice(_RAW)


def _with(right: dict[str, object], name: str, raw: bytes) -> bytes:
    """Put bytes in the place of what a name has."""
    return json.dumps({**right, name: "HERE"}).encode().replace(b'"HERE"', raw)


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
