"""What the pages of quality review share: criteria with their marks, the conversation with what was found in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from accounts.permissions import StaffRequest
from tickets.models import Message, QualityReview, ScreenFinding, Ticket
from tickets.quality_enums import Rule, Severity
from tickets.quality_score import NOT_APPLICABLE, TOP
from tickets.selectors.conversation import LATEST, last_messages_of_all
from tickets.selectors.quality import Mark, findings_of, messages_to_quote
from tickets.views.desk_stream import render_stream

WHOLE_CONVERSATION = 300
EXCERPT = 24
TONES = {1: "neutral", 2: "warn", 3: "bad"}


def language() -> str:
    """Return the language of rubric words: zh or en."""
    return "en" if (get_language() or "").startswith("en") else "zh"


def sections_with_marks(
    review: QualityReview, answers: dict[str, Any], *, errors: dict[str, Any] | None = None, evidence: Any = None
) -> list[dict[str, Any]]:
    """Return the rubric's sections in the reader's language with what was marked, for forms and for reading."""
    tongue, found = language(), []
    number = 0
    for section in review.rubric_version.sections:
        rows = []
        for one in section["criteria"]:
            given = answers.get(one["key"]) or {}
            value = given.get("value")
            number += 1
            rows.append(
                {
                    **one,
                    "number": number,
                    "name": one[tongue],
                    "guide": one[f"guide_{tongue}"] or one["guide_zh"],
                    "value": value,
                    "is_na": value == NOT_APPLICABLE,
                    "comment": given.get("comment", ""),
                    "message": given.get("message"),
                    "choices": range(TOP[one["kind"]] + 1) if one["kind"] == "scale" else (1, 0),
                    "share": None if value in (None, NOT_APPLICABLE) else round(100 * value / TOP[one["kind"]]),
                    "error": (errors or {}).get(one["key"]),
                    "evident": (evidence or {}).get(one.get("source") or ""),
                }
            )
        found.append({"key": section["key"], "name": section[tongue], "criteria": rows})
    return found


def parts_of(ticket: Ticket) -> list[int]:
    """Return the ticket and what was joined into it."""
    return [ticket.pk, *Ticket.objects.filter(merged_into_id=ticket.pk).values_list("pk", flat=True)]


def conversation(request: StaffRequest, ticket: Ticket, now: datetime, *, judges: bool, quotes: bool) -> dict[str, Any]:
    """Return the read-only stream with findings below their messages, and the choice of messages as evidence.

    At most three hundred messages, the newest; `judges` shows the buttons to say right or false alarm.
    """
    parts = parts_of(ticket)
    rows, has_more = last_messages_of_all(parts, before=LATEST, limit=WHOLE_CONVERSATION)
    findings = findings_of(parts)
    remarks = remarks_for(request, findings, {row.id for row in rows}, judges=judges, quotes=quotes)
    name = ticket.customer.name if ticket.customer else ""
    html = render_stream(
        rows, [], viewer=request.user, customer_name=name, deliveries={}, now=now, ticket_id=ticket.pk, remarks=remarks
    )
    return {
        "stream": html,
        "has_more": has_more,
        "findings": findings,
        "quotable": [
            {"id": pk, "label": f"{seq} · {text}", "is_customer": by == "customer"}
            for pk, seq, by, text in messages_to_quote(parts)
        ],
    }


def remarks_for(
    request: HttpRequest, findings: Iterable[ScreenFinding], shown: set[int], *, judges: bool, quotes: bool
) -> dict[int, SafeString]:
    """Return what stands below each message: its findings, and the button that makes it evidence."""
    grouped: dict[int, list[dict[str, Any]]] = {pk: [] for pk in shown} if quotes else {}
    for one in findings:
        if one.message_id in shown:
            grouped.setdefault(one.message_id, []).append(finding_words(one))
    token = get_token(request) if judges else ""
    here = request.get_full_path()
    return {
        pk: render_to_string(
            "tickets/quality/remark.html",
            {"findings": rows, "message_id": pk, "judges": judges, "quotes": quotes, "csrf_token": token, "here": here},
        )
        for pk, rows in grouped.items()
    }


def finding_words(one: ScreenFinding) -> dict[str, Any]:
    """Return a finding with its excerpt: what stands before, the place itself, what follows."""
    text = one.message.text
    found = one.end > one.start and one.end <= len(text)
    return {
        "row": one,
        "label": Rule(one.rule).label,
        "severity": Severity(one.severity).label,
        "tone": TONES[one.severity],
        "before": text[max(0, one.start - EXCERPT) : one.start] if found else "",
        "place": text[one.start : one.end] if found else "",
        "after": text[one.end : one.end + EXCERPT] if found else "",
    }


def quoted_messages(answers: dict[str, Any]) -> dict[int, Message]:
    """Return the messages given as evidence, by id."""
    ids = {one.get("message") for one in answers.values() if one.get("message")}
    return Message.objects.in_bulk(list(ids)) if ids else {}


def mark_of(text: str) -> Mark | None:
    """Read where a page of a list ended."""
    moment, _sep, pk = text.rpartition("_")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return Mark(at, int(pk)) if pk.isascii() and pk.isdigit() and len(pk) < 18 and at.tzinfo is not None else None
