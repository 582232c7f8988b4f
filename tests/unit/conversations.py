"""Which messages a mail program shows as one conversation: the algorithm of RFC 5256, 3 (REFERENCES), steps 1 to 3."""

from collections.abc import Iterable
from email.message import EmailMessage
from itertools import pairwise


def conversations(mails: Iterable[EmailMessage], header: str = "References") -> list[list[str]]:
    """The Message-IDs of each conversation, by the header that the program looks at; subjects are not compared."""
    parents: dict[str, str] = {}
    seen: list[str] = []
    for mail in mails:
        message_id = str(mail["Message-ID"]).strip()
        seen.append(message_id)
        chain = [*str(mail[header] or "").split(), message_id]
        for parent, child in pairwise(chain):
            if child not in parents and _root(parents, parent) != child:
                parents[child] = parent
    roots: dict[str, list[str]] = {}
    for message_id in seen:
        roots.setdefault(_root(parents, message_id), []).append(message_id)
    return list(roots.values())


def _root(parents: dict[str, str], message_id: str) -> str:
    while message_id in parents:
        message_id = parents[message_id]
    return message_id
