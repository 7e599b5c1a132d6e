"""Events of requests to the shop and of notes on orders: codes, ids and times; what was written stays in its table."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class RequestAsked:
    """An agent asks the shop to do something with an order; `line_count` items are named."""

    kind: Code
    why: Code
    line_count: int = 0


@dataclass(frozen=True)
class RequestAnswered:
    """What became of a request, how we know (`via`), and `seconds` since it was asked."""

    kind: Code
    via: Code
    why: Code
    seconds: int


@dataclass(frozen=True)
class OrderNoted:
    """Somebody wrote a note on an order."""

    note_id: int


@dataclass(frozen=True)
class NoticeRepeated:
    """Somebody sent a customer a notice again."""

    step: Code
    notice_id: int


declare("order.notice_repeated", NoticeRepeated)
declare("order_request.asked", RequestAsked)
for step in ("accepted", "done", "refused", "withdrawn"):
    declare(f"order_request.{step}", RequestAnswered)
declare("order.noted", OrderNoted)
