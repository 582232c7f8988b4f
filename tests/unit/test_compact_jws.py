"""What is read of a JWS: within bounds, and with one error whatever is wrong."""

import base64
import json

import pytest

from calguard_server.auth.compact_jws import CHARACTERS_MAX, DEPTH_MAX, JwsError, depth_of, header_of


def token(header: bytes) -> str:
    return f"{base64.urlsafe_b64encode(header).rstrip(b'=').decode()}.e30.eHh4"


@pytest.mark.parametrize(
    ("raw", "depth"),
    [
        (b"", 0),
        (b'{"a": 1}', 1),
        (b'{"a": [[], {"b": []}]}', 4),
        (rb'{"a[[[": "{{\"[[\\", "b": []}', 2),
        (b'{"never closed [[[[', 1),
        (b'"' * 3 + b"[[", 0),
        (b"]]]][", 0),
        (b"[" * 9000, 9000),
    ],
)
def test_the_depth_is_that_of_what_stands_outside_of_strings(raw: bytes, depth: int) -> None:
    assert depth_of(raw) == depth


@pytest.mark.parametrize("raw", [b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, json.dumps({"a": "[" * 100, "b": [{}]}).encode()])
def test_what_the_parser_makes_of_it_is_no_deeper(raw: bytes) -> None:
    def deep(value: object) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(deep, inner), default=0)

    assert depth_of(raw) == deep(json.loads(raw)) <= DEPTH_MAX


def test_a_header_is_read_up_to_the_bounds() -> None:
    deep = b"[" * (DEPTH_MAX - 1) + b"]" * (DEPTH_MAX - 1)
    assert header_of(token(b'{"alg":"ES256","x":' + deep + b"}"))["alg"] == "ES256"
    for bad in (
        b'{"alg":"ES256","x":[' + deep + b"]}",
        b'{"alg":"ES256","x":' + b"[" * 5000 + b"}",
        b'{"alg":"ES256"',
        b'["alg"]',
        b'{"n":' + b"1" * 5000 + b"}",
        b"\xff",
        b"",
    ):
        with pytest.raises(JwsError):
            header_of(token(bad))
    with pytest.raises(JwsError):
        header_of(token(b'{"alg":"ES256"}') + "e" * CHARACTERS_MAX)
    with pytest.raises(JwsError):
        header_of("eyé.e30.e")
