"""/s/<token>: the survey a customer fills in without signing in. Only a POST ever counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import ratelimit
from core.crypto import sign, verify
from core.errors import DomainError, RateLimited
from core.http import client_place
from feedback import services
from feedback.errors import SurveyClosed
from feedback.forms.survey import Screen, screens_of
from feedback.models import Invitation
from feedback.questions import read_answers, read_questions
from feedback.selectors.links import find_invitation, is_open, shop_look

PAGE = "feedback/survey.html"
WRONG_LINKS, SAVES, WINDOW = 30, 240, timedelta(minutes=10)
STARTED = "survey.started"
SCORES = frozenset("12345")


@require_http_methods(["GET", "HEAD", "POST"])
def survey(request: HttpRequest, token: str) -> HttpResponse:
    """Show the survey; POST hands it in. A look, by a person or a mail scanner, changes nothing."""
    now = timezone.now()
    invitation = _find(request, token)
    if request.method == "POST":
        return _hand_in(request, token, invitation, now)
    if invitation is None or not is_open(invitation, now):
        return _closed(request)
    with translation.override(_language(request, invitation)):
        given = _first_values(request, invitation)
        return _show(request, token, invitation, given, {}, started=sign(int(now.timestamp()), STARTED))


def _hand_in(request: HttpRequest, token: str, invitation: Invitation | None, now: datetime) -> HttpResponse:
    if invitation is None:
        return _closed(request)
    questions = read_questions(invitation.asked.questions)
    language = _language(request, invitation)
    if is_open(invitation, now):
        with translation.override(language):
            answers, faults = read_answers(questions, request.POST.getlist)
            if faults:
                started = request.POST.get("started", "")
                return _show(request, token, invitation, answers, faults, started=started, status=422)
        seconds = _seconds(request.POST.get("started", ""), invitation.opened_at, now)
        submission = services.Submission(answers=answers, language=language, seconds=seconds)
        try:
            services.submit_answer(token=token, submission=submission, at=now)
        except SurveyClosed:
            return _closed(request)
    elif invitation.answered_at is None:
        return _closed(request)
    response = HttpResponseRedirect(reverse("feedback:thanks", args=[token]))
    response.status_code = 303
    return _private(response)


@require_POST
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """Keep what is typed so far: 204, or 410 when the link is closed."""
    now = timezone.now()
    invitation = _find(request, token)
    if invitation is None or not is_open(invitation, now):
        return _private(HttpResponse(status=410))
    ratelimit.check("survey.save", str(invitation.pk), limit=SAVES, period=WINDOW)
    questions = read_questions(invitation.asked.questions)
    answers, _faults = read_answers(questions, request.POST.getlist, only_given=True)
    kept = services.save_partial(token=token, answers=answers, at=now)
    return _private(HttpResponse(status=204 if kept else 410))


@require_safe
def thanks(request: HttpRequest, token: str) -> HttpResponse:
    """Say thank you and what happens next."""
    invitation = _find(request, token)
    answer = getattr(invitation, "answer", None) if invitation and invitation.answered_at else None
    if invitation is None or answer is None:
        return _closed(request)
    with translation.override(_language(request, invitation)):
        is_low = answer.csat is not None and answer.csat <= 2 and answer.is_valid
        context = {
            "shop": shop_look(invitation.shop),
            "heading": _("Thank you"),
            "lead": _("Your answer has arrived."),
            "tone": "good",
            "icon": "check",
            "steps": [
                _("Our service lead reads your answer."),
                _("Someone contacts you within 24 hours to put it right."),
            ]
            if is_low
            else [],
        }
        return _private(render(request, "feedback/survey_end.html", context))


def _find(request: HttpRequest, token: str) -> Invitation | None:
    """Look a link up; too many wrong ones from one place and that place hears 429 for right and wrong alike."""
    place = client_place(request)
    if ratelimit.peek("survey.wrong", place, period=WINDOW) >= WRONG_LINKS:
        raise RateLimited(retry_after=int(WINDOW.total_seconds()))
    invitation = find_invitation(token)
    if invitation is None:
        ratelimit.hit("survey.wrong", place, period=WINDOW)
    return invitation


def _language(request: HttpRequest, invitation: Invitation) -> str:
    """Return what the customer chose by hand, else the language of the mail."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else invitation.language


def _first_values(request: HttpRequest, invitation: Invitation) -> dict[str, Any]:
    """Return what is ticked at first: what was typed before, and the number of the link in the mail."""
    questions = read_questions(invitation.asked.questions)
    score = request.GET.get("score", "")
    ticked = {question.id: int(score) for question in questions if question.type == "csat" and score in SCORES}
    return ticked | invitation.partial  # what was chosen on the page is newer than the link


def _seconds(started: str, opened_at: datetime | None, now: datetime) -> int:
    """Return the seconds since the page was first used or shown; 0 when its mark is missing or not ours.

    Somebody who comes back to a form half filled in is not fast.
    """
    since_use = int((now - opened_at).total_seconds()) if opened_at else 0
    try:
        first = verify(started, STARTED, max_age=timedelta(days=30))
    except DomainError:
        return max(0, since_use)
    return max(0, since_use, int(now.timestamp()) - int(first))


def _show(
    request: HttpRequest,
    token: str,
    invitation: Invitation,
    given: dict[str, Any],
    faults: dict[str, Any],
    *,
    started: str,
    status: int = 200,
) -> HttpResponse:
    language = _language(request, invitation)
    screens: list[Screen] = screens_of(read_questions(invitation.asked.questions), given, faults, language)
    context = {
        "shop": shop_look(invitation.shop),
        "asked": invitation.asked,
        "title": invitation.asked.title_in(language),
        "intro": invitation.asked.intro_in(language),
        "minutes": max(1, round(invitation.asked.estimated_seconds / 60)),
        "screens": screens,
        "started": started,
        "language": language,
        "action": reverse("feedback:survey", args=[token]),
        "progress_url": reverse("feedback:survey_progress", args=[token]),
        "has_faults": bool(faults),
    }
    response = render(request, PAGE, context, status=status)
    response.headers["Content-Language"] = language
    return _private(response)


def _closed(request: HttpRequest) -> HttpResponse:
    """Answer a wrong, a used and an old link with the same page, word for word."""
    return _private(render(request, "feedback/survey_closed.html", {"shop": None}, status=410))


def _private(response: HttpResponse) -> HttpResponse:
    """Keep the page out of caches, search engines and other sites' logs."""
    response.headers["Cache-Control"] = "no-store, private"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    # not "no-referrer": browsers would then send `Origin: null` with the form and the CSRF check would refuse it
    response.headers["Referrer-Policy"] = "same-origin"
    return response
