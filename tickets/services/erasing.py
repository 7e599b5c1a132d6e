"""Blank what tickets hold about a person who is erased."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from core.jobs import schedule
from tickets.models import Attachment, Draft, FieldValue, HeldMessage, Message, Ticket
from tickets.services.quality.erasing import erase_review_words

ERASE_FILES = "tickets.erase_files"


def erase_ticket_texts(customer_id: int) -> int:
    """Blank the words of all tickets of a customer, drop drafts and files; registered with the core.

    Files are deleted by a job after commit: what is gone from the store cannot be rolled back.
    """
    tickets = Ticket.objects.filter(customer_id=customer_id)
    ids = list(tickets.values_list("pk", flat=True))
    files = Attachment.objects.filter(Q(ticket_id__in=ids) | Q(message__ticket_id__in=ids))
    keys = [key for pair in files.values_list("key", "thumbnail_key") for key in pair if key]
    rows, _by_model = files.delete()
    rows += Message.objects.filter(ticket_id__in=ids).update(text="", html="", quoted="", mail_id="")
    for waiting in (HeldMessage, FieldValue):
        gone, _by_model = waiting.objects.filter(ticket_id__in=ids).delete()  # type: ignore[attr-defined]
        rows += gone
    rows += erase_review_words(ids)
    drafts, _by_model = Draft.objects.filter(ticket_id__in=ids).delete()
    rows += drafts + tickets.update(subject="", preview="", tags=[], order_given="", contact_enc=None)
    for start in range(0, len(keys), 200):
        part = keys[start : start + 200]
        schedule(ERASE_FILES, key=f"{customer_id}:{part[0]}", due_at=timezone.now(), payload={"keys": part})
    return rows
