"""Read what customers said."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import Staff
from customers.selectors import aliases_of
from feedback.models import Answer, Survey
from feedback.permissions import answers_visible_to
from feedback.questions import read_questions, value_in_words

PAGE = 50


@dataclass(frozen=True)
class AnswerFilter:
    """What of the answers to show; `before` is the id the previous page ended with."""

    survey_key: str = ""
    csat: int | None = None
    valid: str = ""
    before: int | None = None


def answer_page(staff: Staff, wanted: AnswerFilter) -> list[Answer]:
    """Return one page of answers, the newest first, and one row more when there is a next."""
    rows = answers_visible_to(staff).select_related(
        "survey", "invitation__customer", "invitation__ticket", "invitation__order", "invitation__agent",
        "invitation__asked", "recovery_ticket",
    )  # fmt: skip
    if wanted.survey_key:
        rows = rows.filter(survey__key=wanted.survey_key)
    if wanted.csat:
        rows = rows.filter(csat=wanted.csat)
    if wanted.valid in {"yes", "no"}:
        rows = rows.filter(is_valid=wanted.valid == "yes")
    if wanted.before:
        last = Answer.objects.filter(pk=wanted.before).values("submitted_at", "pk").first()
        if last:
            rows = rows.filter(
                Q(submitted_at__lt=last["submitted_at"]) | Q(submitted_at=last["submitted_at"], pk__lt=last["pk"])
            )
    return list(rows.order_by("-submitted_at", "-id")[: PAGE + 1])


def answers_of(customer_id: int, *, limit: int = 5) -> list[Answer]:
    """Return a customer's newest answers."""
    rows = Answer.objects.filter(invitation__customer_id__in=aliases_of(customer_id))
    rows = rows.select_related("survey", "invitation__ticket", "invitation__order", "invitation__asked")
    return list(rows.order_by("-submitted_at", "-id")[:limit])


def surveys() -> QuerySet[Survey]:
    """Return all surveys with their present questions."""
    return Survey.objects.select_related("current").order_by("pk")


def spoken(answer: Answer, language: str) -> list[tuple[str, str]]:
    """Return (question, words) of an answer beside its satisfaction and its comment."""
    pairs = []
    for question in read_questions(answer.invitation.asked.questions):
        if question.type in {"csat", "text"}:
            continue
        if said := value_in_words(question, answer.answers.get(question.id), language):
            pairs.append((question.text_in(language), said))
    return pairs
