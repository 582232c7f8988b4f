"""Tokens by which messages are ended: whose they are, and that nobody makes one up."""

import base64
import re

from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from calguard_server.auth.unsubscribe_tokens import UnsubscribeTokens
from calguard_server.domain.secret import Secret

OLD, NEW = (Secret(Fernet.generate_key().decode()) for _ in range(2))
TOKENS = UnsubscribeTokens([OLD])


@given(st.text(min_size=1, max_size=60))
def test_a_token_names_its_account(account_id: str) -> None:
    """The same each time, and safe in an address."""
    token = TOKENS.make(account_id)
    assert TOKENS.read(token) == account_id
    assert token == UnsubscribeTokens([OLD]).make(account_id)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token)


@given(st.text(st.sampled_from("abcXYZ019-_.=/ \n\0é"), max_size=80))
def test_what_nobody_signed_names_nobody(text: str) -> None:
    """Whatever it looks like."""
    assert TOKENS.read(text) is None
    assert TOKENS.read(f"{TOKENS.make('ann')}{text}") == ("ann" if not text else None)


def test_the_account_cannot_be_changed() -> None:
    """The signature is of the account."""
    signature = TOKENS.make("ann").partition(".")[2]
    ben = base64.urlsafe_b64encode(b"ben").decode()
    assert TOKENS.read(f"{ben}.{signature}") is None
    for position in range(len(signature)):
        flipped = "A" if signature[position] != "A" else "Q"
        assert TOKENS.read(f"YW5u.{signature[:position]}{flipped}{signature[position + 1 :]}") is None


def test_keys_are_rotated() -> None:
    """What an old key has signed is good as long as the key is kept."""
    token = TOKENS.make("ann")
    assert UnsubscribeTokens([NEW, OLD]).read(token) == "ann"
    assert UnsubscribeTokens([NEW, OLD]).make("ann") == UnsubscribeTokens([NEW]).make("ann") != token
    assert UnsubscribeTokens([NEW]).read(token) is None


def test_nothing_of_the_keys_is_shown() -> None:
    """Neither in the token nor in what is printed of its maker."""
    shown = f"{TOKENS.make('ann')} {TOKENS!r} {vars(TOKENS)}"
    assert OLD.reveal() not in shown
    assert base64.urlsafe_b64decode(OLD.reveal()).hex() not in shown
