"""Blank what reviews say in words about the conversations of a person who is erased; marks and scores stay."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Func, JSONField

from tickets.models import Appeal, Coaching, QualityReview

GONE = "–"  # where the database asks for words


def _wordless(column: str) -> Func:
    return Func(F(column), function="tickets_without_words", output_field=JSONField())


def erase_review_words(ticket_ids: Iterable[int]) -> int:
    """Blank notes, comments, reasons and decisions; return how many rows changed."""
    reviews = QualityReview.objects.filter(ticket_id__in=list(ticket_ids))
    of = {"review__in": reviews.values("pk")}
    rows = Appeal.objects.filter(**of).update(reason=GONE, answers_before=_wordless("answers_before"))
    Appeal.objects.filter(**of).exclude(decision="").update(decision=GONE)
    rows += Coaching.objects.filter(**of).exclude(note="").update(note=GONE)
    return rows + reviews.update(note="", answers=_wordless("answers"))
