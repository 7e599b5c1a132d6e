"""Review a conversation: the queue, the page with the rubric beside the conversation, its draft and its end."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotAllowed, StaleEdit
from core.http import form_invalid, render_page
from tickets.forms.quality import read_answers, whole
from tickets.models import QualityReview
from tickets.permissions import get_ticket_for
from tickets.quality_enums import ReviewState, Why
from tickets.quality_permissions import get_finding_for, get_review_for
from tickets.quality_score import score_of
from tickets.selectors.quality import PAGE, TABS, count_queue, evidence_for, prefilled_answers, queue_page, steps_of
from tickets.selectors.quality_drawing import able_reviewers, authors_of
from tickets.services.quality.reviewing import add_review, drop_review, hand_review, save_review_draft, submit_review
from tickets.services.quality.screening import judge_finding
from tickets.views.quality_shared import conversation, mark_of, sections_with_marks

LIST, REVIEW = "tickets/quality/list.html", "tickets/quality/review.html"


@staff_page(Permission.QUALITY_REVIEW)
@require_safe
def review_list(request: StaffRequest) -> HttpResponse:
    """List a tab of the queue."""
    tab = request.GET.get("tab", "mine")
    tab = tab if tab in TABS else "mine"
    counts = count_queue(request.user)
    rows = queue_page(request.user, tab, after=mark_of(request.GET.get("after", "")))
    shown, more = rows[:PAGE], rows[PAGE:]
    labels = {
        "mine": pgettext("reviews", "Mine"), "waiting": pgettext("reviews", "All to review"), "appeals": _("Appeals"),
        "coaching": _("Talks"), "done": pgettext("reviews", "Reviewed"), "calibration": _("Calibration"),
    }  # fmt: skip
    base = reverse("tickets:reviews")
    tabs = [
        {
            "label": labels[key],
            "url": f"{base}?tab={key}",
            "key": key,
            "active": key == tab,
            "count": counts.get(key, ""),
        }
        for key in TABS
    ]
    context = {
        "tab": tab, "tabs": tabs, "rows": shown, "now": timezone.now(), "whys": dict(Why.choices),
        "next_url": f"{base}?{urlencode({'tab': tab, 'after': _end(tab, shown[-1])})}" if more else "",
    }  # fmt: skip
    return render_page(request, LIST, context)


def _end(tab: str, last: Any) -> str:
    field = {"done": "submitted_at", "calibration": "assigned_at"}.get(tab, "due_at")
    return f"{getattr(last, field).isoformat()}_{last.pk}"


@staff_page(Permission.QUALITY_REVIEW)
@require_safe
def review(request: StaffRequest, review_id: int) -> HttpResponse:
    """Show a review: the form to its reviewer, the result to others."""
    found = get_review_for(request.user, review_id)
    return render_page(request, REVIEW, _page(request, found))


def _page(request: StaffRequest, found: QualityReview, **more: Any) -> dict[str, Any]:
    now = timezone.now()
    is_mine = found.reviewer_id == request.user.pk and found.state == ReviewState.WAITING
    steps = steps_of(found.ticket)
    evidence = evidence_for(found.ticket, found.agent_id, steps)
    criteria = found.rubric_version.criteria()
    answers = more.pop("answers", None)
    if answers is None:
        answers = found.answers if found.begun_at else prefilled_answers(criteria, evidence)
    shared = conversation(request, found.ticket, now, judges=found.agent_id != request.user.pk, quotes=is_mine)
    barred = authors_of([found.ticket_id])[found.ticket_id] | {found.agent_id}
    free = found.state == ReviewState.WAITING and found.calibration_id is None
    return {
        "review": found, "ticket": found.ticket, "is_mine": is_mine, "steps": steps, "now": now,
        "sections": sections_with_marks(found, answers, errors=more.get("errors"), evidence=evidence),
        "score": score_of(criteria, answers), "note": more.pop("note", found.note),
        "whys": [Why(code).label for code in found.why],
        "colleagues": [one for one in able_reviewers() if one.pk not in barred] if free else [],
        "may_take": free and not is_mine and request.user.pk not in barred,
        "may_drop": free and (is_mine or has(request.user, Permission.QUALITY_MANAGE)),
        "appeal": getattr(found, "appeal", None) if found.state == ReviewState.SUBMITTED else None,
        **shared, **more,
    }  # fmt: skip


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def draft(request: StaffRequest, review_id: int) -> HttpResponse:
    """Keep what is marked so far and say what it comes to."""
    found = get_review_for(request.user, review_id)
    answers = read_answers(request.POST, found.rubric_version.criteria())
    version = whole(request.POST.get("version", "")) or 0
    score = save_review_draft(
        review_id=found.pk, answers=answers, note=request.POST.get("note", ""), actor=Actor.staff(request.user),
        at=timezone.now(), version=version,
    )  # fmt: skip
    context = {"score": score, "saved_at": timezone.now(), "review": found}
    return render(request, f"{REVIEW}#score", context)


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def submit(request: StaffRequest, review_id: int) -> HttpResponse:
    """Give the final score, or keep a draft when the button says so."""
    found = get_review_for(request.user, review_id)
    answers, note = read_answers(request.POST, found.rubric_version.criteria()), request.POST.get("note", "")
    given: dict[str, Any] = {
        "review_id": found.pk, "answers": answers, "note": note, "actor": Actor.staff(request.user),
        "at": timezone.now(), "version": whole(request.POST.get("version", "")) or 0,
    }  # fmt: skip
    try:
        if "keep" in request.POST:
            save_review_draft(**given)
            messages.success(request, _("Draft saved."))
            return HttpResponseRedirect(reverse("tickets:review", args=[found.pk]))
        done = submit_review(**given)
    except InvalidInput as error:
        context = _page(request, found, answers=answers, note=note, errors=error.fields, refusal=error.message)
        return form_invalid(request, REVIEW, context)
    except StaleEdit as error:
        fresh = get_review_for(request.user, review_id)
        context = _page(request, fresh, answers=answers, note=note, refusal=error.message)
        return render_page(request, REVIEW, context, status=409)
    words = _("Submitted: %(score)s points. %(name)s has been told.")
    if done.calibration_id is not None:
        messages.success(request, _("Submitted. The others' marks appear when everybody is done."))
        return HttpResponseRedirect(reverse("tickets:calibration", args=[done.calibration_id]))
    messages.success(request, words % {"score": f"{done.score:.1f}", "name": done.agent.display_name})
    return HttpResponseRedirect(reverse("tickets:reviews"))


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def hand(request: StaffRequest, review_id: int) -> HttpResponse:
    """Take a review, or give it to another reviewer (a supervisor, or its reviewer herself)."""
    found = get_review_for(request.user, review_id)
    to = whole(request.POST.get("reviewer", "")) or request.user.pk
    if to != request.user.pk and found.reviewer_id != request.user.pk:
        get_review_for(request.user, review_id, Permission.QUALITY_MANAGE)
    hand_review(review_id=found.pk, reviewer_id=to, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("It is yours.") if to == request.user.pk else _("Handed on."))
    return HttpResponseRedirect(reverse("tickets:review", args=[found.pk]))


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def drop(request: StaffRequest, review_id: int) -> HttpResponse:
    """Take a review out of the sample."""
    found = get_review_for(request.user, review_id)
    if found.reviewer_id != request.user.pk and not has(request.user, Permission.QUALITY_MANAGE):
        raise NotAllowed
    drop_review(review_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Dropped. It counts for nothing."))
    return HttpResponseRedirect(reverse("tickets:reviews"))


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def judge(request: StaffRequest, finding_id: int) -> HttpResponse:
    """Say whether a finding of the pre-check is right."""
    row = get_finding_for(request.user, finding_id)
    judge_finding(
        finding_id=row.pk, verdict=request.POST.get("verdict", ""), actor=Actor.staff(request.user), at=timezone.now()
    )
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/desk/")
    return HttpResponseRedirect(f"{back}#f-{row.pk}" if safe else reverse("tickets:reviews"))


@staff_page(Permission.QUALITY_REVIEW)
@require_POST
def choose_by_hand(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Review a conversation one stumbled on."""
    ticket = get_ticket_for(request.user, ticket_id)
    try:
        row = add_review(
            ticket_id=ticket.pk, rubric_id=whole(request.POST.get("rubric", "")), reviewer_id=request.user.pk,
            actor=Actor.staff(request.user), at=timezone.now(),
        )  # fmt: skip
    except DomainError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("tickets:ticket", args=[ticket.pk]))
    return HttpResponseRedirect(reverse("tickets:review", args=[row.pk]))
