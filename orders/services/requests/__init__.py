"""What agents ask shops to do with orders: asked, answered, followed, remembered; and notes on orders."""

from orders.services.requests.answering import answer_request, withdraw_request
from orders.services.requests.asking import Asked, open_request, seen_of
from orders.services.requests.erasing import erase_order_requests
from orders.services.requests.following import follow_due_requests, follow_requests
from orders.services.requests.noting import add_order_note
from orders.services.requests.reminding import remind_overdue_requests
from orders.services.requests.telling import repeat_notice

__all__ = [
    "Asked",
    "add_order_note",
    "answer_request",
    "erase_order_requests",
    "follow_due_requests",
    "follow_requests",
    "open_request",
    "remind_overdue_requests",
    "repeat_notice",
    "seen_of",
    "withdraw_request",
]
