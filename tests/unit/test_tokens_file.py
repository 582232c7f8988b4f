"""The lines of a file of tokens: what they say, and what is said of those that say nothing."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from calguard_server.auth.caller_line import caller_name, line_for
from calguard_server.auth.callers import Caller, Role
from calguard_server.auth.tokens import bearer_digest, digest_of, new_token
from calguard_server.auth.tokens_file import TokensFileError, parse
from calguard_server.domain.scope import Scope

PATH = Path("/etc/calguard/tokens")
A, B = "a" * 64, "b" * 64


def complaint_of(text: str) -> str:
    with pytest.raises(TokensFileError) as refusal:
        parse(text.encode(), PATH)
    return str(refusal.value)


def test_each_line_is_a_token_of_a_caller() -> None:
    """Comments and empty lines say nothing; a caller may have several tokens, with roles of their own."""
    text = f"# who may call\n\nbooking writer sha256:{A}  # until May\r\n\tbooking   reader\tsha256:{B.upper()}\n#x y z"
    assert parse(text.encode(), PATH) == {
        bytes.fromhex(A): Caller("booking", Role.WRITER),
        bytes.fromhex(B): Caller("booking", Role.READER),
    }


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2030-01-31T00:00:00Z", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31t00:00:00.25z", datetime(2030, 1, 31, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2030-01-31T00:00:00-05:30", datetime(2030, 1, 31, tzinfo=timezone(-timedelta(hours=5, minutes=30)))),
    ],
)
def test_a_token_may_expire(written: str, moment: datetime) -> None:
    [caller] = parse(f"ops admin sha256:{A} expires={written}".encode(), PATH).values()
    assert caller == Caller("ops", Role.ADMIN, moment)


def test_a_line_may_name_a_certificate_and_some_accounts() -> None:
    """Hosts do not differ by case, URIs do; options come in any order."""
    text = (
        "booking writer dns:Booking.Example.com accounts=ann,ben\n"
        "dashboard reader uri:spiffe://example.com/Dash accounts=ben expires=2030-01-31T00:00:00Z\n"
    )
    some, end = Scope(frozenset({"ann", "ben"})), datetime(2030, 1, 31, tzinfo=UTC)
    assert parse(text.encode(), PATH) == {
        "dns:booking.example.com": Caller("booking", Role.WRITER, scope=some),
        "uri:spiffe://example.com/Dash": Caller("dashboard", Role.READER, end, Scope(frozenset({"ben"}))),
    }
    told = complaint_of("a reader dns:a.example\nb admin dns:A.example\n")
    assert told == f"{PATH}, line 2: expected another name of a certificate than that of line 1"


@pytest.mark.parametrize("text", ["", "\n", "# nobody\n"])
def test_a_file_may_let_in_nobody(text: str) -> None:
    assert parse(text.encode(), PATH) == {}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("booking", "expected NAME ROLE sha256:HEX (or dns:NAME, or uri:URI) [expires=TIME] [accounts=ID,...]"),
        (f"booking writer sha256:{A} expires=2030-01-31T00:00:00Z hunter2", "expected expires= and a time such as"),
        (f"booking writer sha256:{A} accounts=a accounts=hunter2", "expected expires= and a time such as"),
        (f"booking writer sha256:{A} accounts=", "expected ids of accounts, one at least, with commas between"),
        (f"booking writer sha256:{A} accounts=a,,hunter2", "expected ids of accounts, one at least, with commas"),
        (f"booking writer sha256:{A} accounts=a,-hunter2", "expected ids of accounts, one at least, with commas"),
        (f"booking writer sha256:{A} accounts={'a,' * 1000}a", "expected at most 1000 accounts, with commas between"),
        ("booking writer dns:", "expected sha256: and 64 hexadecimal digits"),
        ("booking writer dns:*.hunter2", "expected sha256: and 64 hexadecimal digits"),
        ("booking writer uri:hunter2", "expected sha256: and 64 hexadecimal digits"),
        ("booking writer ip:127.0.0.1", "expected sha256: and 64 hexadecimal digits"),
        (f"-hunter2 writer sha256:{A}", "expected a name of up to 63 letters"),
        (f"{'h' * 64} writer sha256:{A}", "expected a name of up to 63 letters"),
        (f"h\u00fcnter2 writer sha256:{A}", "expected a name of up to 63 letters"),
        (f"booking hunter2 sha256:{A}", "expected the role reader, writer or admin"),
        (f"booking Writer sha256:{A}", "expected the role reader, writer or admin"),
        ("booking writer hunter2", "expected sha256: and 64 hexadecimal digits"),
        (f"booking writer {A}", "expected sha256: and 64 hexadecimal digits"),
        (f"booking writer sha256:{A[1:]}", "expected sha256: and 64 hexadecimal digits"),
        (f"booking writer sha256:{A}a", "expected sha256: and 64 hexadecimal digits"),
        (f"booking writer md5:{A}", "expected sha256: and 64 hexadecimal digits"),
        (f"booking writer sha256:{A} hunter2", "expected expires= and a time such as"),
        (f"booking writer sha256:{A} expires=", "expected expires= and a time such as"),
        (f"booking writer sha256:{A} expires=2030-01-31", "expected expires= and a time such as"),
        (f"booking writer sha256:{A} expires=2030-01-31T00:00:00", "expected expires= and a time such as"),
        (f"booking writer sha256:{A} expires=2030-02-31T00:00:00Z", "expected a time that exists after expires="),
    ],
)
def test_a_bad_line_is_told_by_its_number_and_never_shown(line: str, expected: str) -> None:
    """What stands in the wrong place may be the token itself."""
    told = complaint_of(f"# tokens\nok reader sha256:{B}\n{line}\n")
    assert told.startswith(f"{PATH}, line 3: {expected}")
    assert "hunter2" not in told
    assert A not in told


def test_a_token_that_stands_there_twice_is_bad() -> None:
    """Of two roles for one token nobody knows which is meant."""
    told = complaint_of(f"a reader sha256:{A}\n\nb admin sha256:{A.upper()}\n")
    assert told == f"{PATH}, line 3: expected another token than that of line 1"


def test_what_is_no_text_is_bad_too() -> None:
    with pytest.raises(TokensFileError, match=r"line 2: expected NAME ROLE sha256:HEX"):
        parse(b"\n\xff\xfe\x00hunter2", PATH)
    with pytest.raises(TokensFileError, match="expected at most 1048576 bytes"):
        parse(b"#" * (1024 * 1024 + 1), PATH)


def test_a_line_that_is_made_is_a_line_that_is_read() -> None:
    """A new token is long, is random, and is known by the line made for it, which does not hold it."""
    token, caller = new_token(), Caller(caller_name("booking"), Role.WRITER)
    made = line_for(caller, digest_of(token))
    assert parse(made.encode(), PATH) == {hashlib.sha256(token.encode()).digest(): caller}
    assert token not in made
    assert token != new_token()
    assert token.startswith("calguard_")
    assert len(token) >= len("calguard_") + 43


@pytest.mark.parametrize("authorization", ["Bearer x", "bearer x", "BEARER  x "])
def test_the_token_follows_its_scheme(authorization: str) -> None:
    assert bearer_digest(authorization) == digest_of("x")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "x", "Basic x", "Bearerx"])
def test_what_has_no_token_has_no_digest(authorization: str) -> None:
    assert bearer_digest(authorization) is None


def test_a_long_header_is_read_and_not_remembered() -> None:
    """What callers send that nobody knows takes no memory worth speaking of."""
    assert bearer_digest(f"Bearer {'x' * 8000}") == digest_of("x" * 8000)
