"""Lists, read page after page."""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

import grpc
from google.protobuf.message import Message

from calguard_client.cli.session import Session
from calguard_client.cli.table import Column

PAGE_SIZE = 100


class ListRequest(Protocol):
    """What every list request has."""

    page_size: int
    page_token: str


class ListAnswer(Protocol):
    """What every list answer has."""

    next_page_token: str

    def MergeFrom(self, other_msg: Self, /) -> None:  # noqa: N802 - protobuf's name
        """Append another page."""


Request = TypeVar("Request", bound=ListRequest)
Answer = TypeVar("Answer", bound=ListAnswer)
Item = TypeVar("Item", bound=Message)


def gather(
    session: Session,
    method: "grpc.UnaryUnaryMultiCallable[Request, Answer]",
    request: Request,
    items: Callable[[Answer], Sequence[object]],
    limit: int,
) -> Answer:
    """Read up to `limit` items as one answer; its token is empty where there are no more. Raises grpc.RpcError."""
    request.page_size = min(limit, PAGE_SIZE)
    answer = session.call(method, request)
    while answer.next_page_token and len(items(answer)) < limit:
        request.page_size = min(limit - len(items(answer)), PAGE_SIZE)
        request.page_token = answer.next_page_token
        page = session.call(method, request)
        answer.MergeFrom(page)
        answer.next_page_token = page.next_page_token
    return answer


def show_list(
    session: Session,
    answer: Message,
    items: Sequence[Item],
    columns: Sequence[Column[Item]],
) -> None:
    """Show a list whole, or say that there is nothing, or more."""
    if session.as_json:
        session.screen.document(answer)
        return
    if not items:
        session.screen.remark("nothing found")
        return
    session.screen.table(columns, items)
    if getattr(answer, "next_page_token", ""):
        session.screen.remark(f"there are more than these {len(items)}: see them with --limit")
