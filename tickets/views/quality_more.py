"""What follows a review: one's own reviews, appeals, talks, calibrations, the panel beside a ticket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import DomainError, InvalidInput
from core.http import form_invalid, render_page
from tickets.forms.quality import DecisionForm, ReasonForm, read_answers, whole
from tickets.models import Appeal, Calibration, QualityReview
from tickets.permissions import get_ticket_for
from tickets.quality_permissions import (
    get_appeal_for,
    get_calibration_for,
    get_coaching_for,
    get_own_review,
    own_reviews,
    reviews_visible_to,
)
from tickets.quality_score import TOP
from tickets.selectors.quality import PAGE, findings_of, own_page, rubrics_in_use, steps_of
from tickets.selectors.quality_drawing import able_reviewers, authors_of
from tickets.selectors.quality_figures import by_criterion, by_week, counted, overall
from tickets.services.quality.appealing import appeal_review, appeal_until, decide_appeal, may_decide
from tickets.services.quality.calibrating import start_calibration
from tickets.services.quality.reviewing import finish_coaching, mark_review_seen
from tickets.views.quality_shared import (
    conversation,
    finding_words,
    language,
    mark_of,
    parts_of,
    quoted_messages,
    sections_with_marks,
)

OWN_LIST, OWN = "tickets/quality/own_list.html", "tickets/quality/own.html"
APPEAL, CALIBRATION, PANEL = (
    "tickets/quality/appeal.html", "tickets/quality/calibration.html", "tickets/quality/panel.html",
)  # fmt: skip
OWN_WEEKS = 13


@staff_page(Permission.DESK_USE)
@require_safe
def own_list(request: StaffRequest) -> HttpResponse:
    """List a person's own reviews with what they come to over a quarter."""
    now = timezone.now()
    rows = own_page(request.user, after=mark_of(request.GET.get("after", "")))
    shown, more = rows[:PAGE], rows[PAGE:]
    quarter = counted(own_reviews(request.user), now - timedelta(weeks=OWN_WEEKS), now)
    weeks = by_week(quarter)
    end = f"{shown[-1].submitted_at.isoformat()}_{shown[-1].pk}" if more and shown[-1].submitted_at else ""
    context = {
        "rows": shown, "figures": overall(quarter), "criteria": by_criterion(quarter, language()), "weeks": weeks,
        "trend": [mean for _monday, mean, _n in weeks],
        "next_url": f"{reverse('tickets:own_reviews')}?{urlencode({'after': end})}" if more else "",
    }  # fmt: skip
    return render_page(request, OWN_LIST, context)


@staff_page(Permission.DESK_USE)
@require_http_methods(["GET", "HEAD", "POST"])
def own_review(request: StaffRequest, review_id: int) -> HttpResponse:
    """Show a review of one's own conversation; a POST appeals against it."""
    found = get_own_review(request.user, review_id)
    now = timezone.now()
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            appeal_review(
                review_id=found.pk, reason=form.cleaned_data["reason"], actor=Actor.staff(request.user), at=now
            )
            messages.success(request, _("Your appeal is on its way. Another reviewer decides it."))
            return HttpResponseRedirect(reverse("tickets:own_review", args=[found.pk]))
        except DomainError as error:
            form.add_error(None, str(error.message))
    elif request.method != "POST" and found.seen_at is None and request.method == "GET":
        mark_review_seen(review_id=found.pk, at=now)
    context = _own(found, form, now)
    return form_invalid(request, OWN, context) if form.is_bound else render_page(request, OWN, context)


def _own(found: QualityReview, form: ReasonForm, now: Any) -> dict[str, Any]:
    until, appeal = appeal_until(found), Appeal.objects.filter(review=found).select_related("decider").first()
    quoted = quoted_messages(found.answers)
    sections = sections_with_marks(found, found.answers)
    for section in sections:
        for one in section["criteria"]:
            one["quoted"] = quoted.get(one["message"] or 0)
    return {
        "review": found, "ticket": found.ticket, "sections": sections, "appeal": appeal, "until": until, "form": form,
        "may_appeal": appeal is None and until is not None and now <= until, "steps": steps_of(found.ticket),
    }  # fmt: skip


@staff_page(Permission.QUALITY_REVIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: StaffRequest, appeal_id: int) -> HttpResponse:
    """Show an appeal; a POST decides it (`keep` or `change`)."""
    found = get_appeal_for(request.user, appeal_id)
    review, now = found.review, timezone.now()
    form = DecisionForm(request.POST or None)
    answers, errors = review.answers, {}
    if request.method == "POST":
        answers = read_answers(request.POST, review.rubric_version.criteria())
        if form.is_valid():
            try:
                decide_appeal(
                    appeal_id=found.pk, is_changed="change" in request.POST, decision=form.cleaned_data["decision"],
                    answers=answers, actor=Actor.staff(request.user), at=now,
                )  # fmt: skip
                messages.success(request, _("Decided. The agent has been told."))
                return HttpResponseRedirect(f"{reverse('tickets:reviews')}?tab=appeals")
            except InvalidInput as error:
                errors = dict(error.fields)
                form.add_error(None, str(error.fields.get("decision", [error.message])[0]))
            except DomainError as error:
                form.add_error(None, str(error.message))
                found = get_appeal_for(request.user, appeal_id)
    authors = authors_of([review.ticket_id])[review.ticket_id]
    is_open = found.state == "open"
    context = {
        "appeal": found, "review": review, "ticket": review.ticket, "form": form, "now": now, "is_open": is_open,
        "may_decide": is_open and may_decide(found, request.user.pk, authors),
        "sections": sections_with_marks(review, answers, errors=errors),
        **conversation(request, review.ticket, now, judges=False, quotes=False),
    }  # fmt: skip
    return form_invalid(request, APPEAL, context) if form.is_bound else render_page(request, APPEAL, context)


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def coaching_done(request: StaffRequest, coaching_id: int) -> HttpResponse:
    """Tick a talk off with what was agreed."""
    row = get_coaching_for(request.user, coaching_id)
    try:
        finish_coaching(
            coaching_id=row.pk, note=request.POST.get("note", ""), actor=Actor.staff(request.user), at=timezone.now()
        )
        messages.success(request, _("Talk ticked off."))
    except InvalidInput as error:
        messages.error(request, str(error.fields["note"][0]))
    return HttpResponseRedirect(f"{reverse('tickets:reviews')}?tab=coaching")


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def calibrate(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Have several reviewers score a conversation blind."""
    ticket = get_ticket_for(request.user, ticket_id)
    people = [pk for one in request.POST.getlist("reviewers") if (pk := whole(one)) is not None]
    try:
        row = start_calibration(
            ticket_id=ticket.pk, reviewer_ids=people, rubric_id=whole(request.POST.get("rubric", "")),
            actor=Actor.staff(request.user), at=timezone.now(),
        )  # fmt: skip
    except DomainError as error:
        words = next(iter(error.fields.values()))[0] if isinstance(error, InvalidInput) and error.fields else error
        messages.error(request, str(words))
        return HttpResponseRedirect(f"{reverse('tickets:ticket', args=[ticket.pk])}?tab=quality")
    return HttpResponseRedirect(reverse("tickets:calibration", args=[row.pk]))


@staff_page(Permission.QUALITY_REVIEW)
@require_safe
def calibration(request: StaffRequest, calibration_id: int) -> HttpResponse:
    """Show how far the reviewers are apart, once everybody has scored."""
    row = get_calibration_for(request.user, calibration_id)
    reviews = list(row.reviews.select_related("reviewer").order_by("pk"))
    done = [one for one in reviews if one.state == "submitted"]
    is_whole = len(done) == len(reviews)
    scores = [one.score for one in done if one.score is not None]
    context = {
        "row": row, "ticket": row.ticket, "reviews": reviews, "done": len(done), "is_whole": is_whole,
        "lines": _differences(row, reviews) if is_whole else [],
        "spread": max(scores) - min(scores) if is_whole and scores else None,
        "mine": next((one for one in reviews if one.reviewer_id == request.user.pk and one.state == "waiting"), None),
    }  # fmt: skip
    return render_page(request, CALIBRATION, context)


def _differences(row: Calibration, reviews: list[QualityReview]) -> list[dict[str, Any]]:
    lines = []
    for criterion in row.rubric_version.criteria():
        values = [(one.answers.get(criterion["key"]) or {}).get("value") for one in reviews]
        shares = [100 * value // TOP[criterion["kind"]] for value in values if isinstance(value, int)]
        mixed = 0 < len(shares) < len(values)
        gap = 100 if mixed else max(shares) - min(shares) if shares else 0
        comments = [(one.answers.get(criterion["key"]) or {}).get("comment", "") for one in reviews]
        lines.append(
            {"name": criterion[language()], "kind": criterion["kind"], "gap": gap, "is_far": gap >= 40,
             "marks": list(zip(values, comments, strict=True))}
        )  # fmt: skip
    return sorted(lines, key=lambda line: -line["gap"])


@staff_page(Permission.QUALITY_REVIEW)
@require_safe
def ticket_quality(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show reviews and findings of a ticket beside its conversation."""
    ticket = get_ticket_for(request.user, ticket_id)
    parts = parts_of(ticket)
    barred = set().union(*authors_of([ticket.pk]).values())
    is_own = request.user.pk in barred
    reviews = reviews_visible_to(request.user).filter(ticket_id=ticket.pk).exclude(state="dropped")
    context = {
        "ticket": ticket, "is_own": is_own, "has_answers": bool(barred),
        "reviews": list(reviews.select_related("agent", "reviewer").order_by("-pk")[:10]),
        "findings": [] if is_own else [finding_words(one) for one in findings_of(parts)],
        "rubrics": [one for one in rubrics_in_use() if one.current_id],
        "colleagues": [one for one in able_reviewers() if one.pk not in barred],
    }  # fmt: skip
    return render_page(request, PANEL, context, fragment="panel")
