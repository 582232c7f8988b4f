"""SECURITY.md names tests that there are, and every address that a caller can set."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor

from tests.e2e.methods import METHODS

ROOT = Path(__file__).parent.parent.parent
MODEL = (ROOT / "SECURITY.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| (?!-|threat|fault|who|address)(.+) \|$", re.MULTILINE)
CALLED = re.compile(r"(^|[._])(url|uri|host|address|endpoint|webhook)s?$")


def defined_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_test_that_is_named_is_there() -> None:
    named = NAMED.findall(MODEL)
    assert len(named) > 50
    assert [(path, name) for path, name in named if name not in defined_in(path)] == []


def test_each_item_names_a_test() -> None:
    """But for those who may be against us."""
    items = ROW.findall(MODEL.partition("## Calls")[2])
    assert len(items) > 35
    assert [row for row in items if NAMED.search(row) is None] == []


def texts_of(kind: Descriptor, above: str = "") -> Iterator[str]:
    for field in kind.fields:
        if field.cpp_type == field.CPPTYPE_STRING:
            yield above + field.name
        elif field.cpp_type == field.CPPTYPE_MESSAGE:
            yield from texts_of(field.message_type, f"{above}{field.name}.")


def test_each_address_that_a_caller_can_set_is_judged() -> None:
    """A new field that looks like one fails this until SECURITY.md says what becomes of it."""
    found = {path for method in METHODS.values() for path in texts_of(method.request.DESCRIPTOR)}
    addresses = {path for path in found if CALLED.search(path)}
    assert addresses == {"account.webhook.url", "redirect_uri"}
    assert all(f"| `{path}` |" in MODEL for path in addresses)
