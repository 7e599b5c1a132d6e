"""Read what customers said about a department's area."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Staff
from feedback.models import Answer
from tickets.permissions import tickets_visible_to


def answers_of_area(staff: Staff) -> QuerySet[Answer]:
    """Return the answers that count about tickets this person may read, the newest first."""
    rows = Answer.objects.filter(is_valid=True, invitation__ticket__in=tickets_visible_to(staff))
    rows = rows.select_related("survey", "invitation__ticket", "invitation__asked")
    return rows.order_by("-submitted_at", "-id")


def digest_section(staff: Staff, begin: datetime, end: datetime, language: str) -> list[str]:
    """Return what a department's week sounded like: how many answered, how many were satisfied, some of their words."""
    rows = answers_of_area(staff).filter(submitted_at__gte=begin, submitted_at__lt=end)
    counts = rows.order_by().aggregate(n=Count("pk"), happy=Count("pk", filter=Q(csat__gte=4)))
    if not counts["n"]:
        return []
    lines = [
        _("%(n)s customers of your area answered a survey, %(happy)s of them were satisfied.")
        % {"n": str(counts["n"]), "happy": str(counts["happy"])}
    ]
    said = [" ".join(row.comment.split())[:120] for row in rows.exclude(comment="")[:3]]
    if said:
        lines.append(_("In their words:") + "\n" + "\n".join(f"- {words}" for words in said))
    return lines
