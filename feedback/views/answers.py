"""/desk/feedback/: what customers said."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.actors import Actor
from core.http import render_page
from customers.permissions import get_customer_for
from feedback import services
from feedback.models import Answer
from feedback.permissions import get_answer_for
from feedback.selectors.answers import PAGE, AnswerFilter, answer_page, answers_of, spoken, surveys

LIST, PANEL = "feedback/answers.html", "feedback/panel.html"


@staff_page(Permission.SURVEY_VIEW)
@require_safe
def answer_list(request: StaffRequest) -> HttpResponse:
    """List answers, the newest first; filters live in the address."""
    wanted = _filter(request)
    rows = answer_page(request.user, wanted)
    shown = rows[:PAGE]
    query = {key: value for key, value in request.GET.items() if key in {"survey", "csat", "valid"} and value}
    context = {
        "rows": [_row(answer) for answer in shown],
        "wanted": wanted,
        "surveys": [{"key": row.key, "name": row.name_in(get_language() or "")} for row in surveys()],
        "scores": ["1", "2", "3", "4", "5"],
        "next_url": f"?{urlencode(query | {'before': shown[-1].pk})}" if len(rows) > PAGE else "",
        "here": request.get_full_path(),
        "is_filtered": bool(query),
        "may_judge": has(request.user, Permission.SURVEY_MANAGE),
    }
    return render_page(request, LIST, context, fragment="list")


def _filter(request: StaffRequest) -> AnswerFilter:
    given = request.GET
    number = {
        name: int(given[name])
        for name in ("csat", "before")
        if given.get(name, "").isdecimal() and len(given[name]) < 18
    }
    return AnswerFilter(
        survey_key=given.get("survey", "")[:40],
        csat=number.get("csat"),
        valid=given.get("valid", ""),
        before=number.get("before"),
    )


def _row(answer: Answer) -> dict[str, Any]:
    language = get_language() or ""
    return {
        "answer": answer,
        "invitation": answer.invitation,
        "survey": answer.survey.name_in(language),
        "said": spoken(answer, language),
    }


@staff_page(Permission.SURVEY_MANAGE)
@require_POST
def judge(request: StaffRequest, answer_id: int) -> HttpResponse:
    """Set an answer aside, or let it count again."""
    answer = get_answer_for(request.user, answer_id, Permission.SURVEY_MANAGE)
    version = request.POST.get("version", "")
    is_valid = request.POST.get("is_valid") == "1"
    services.judge_answer(
        answer_id=answer.pk,
        is_valid=is_valid,
        version=int(version) if version.isdecimal() else 0,
        actor=Actor.staff(request.user),
        at=timezone.now(),
    )
    messages.success(request, _("The answer counts again.") if is_valid else _("The answer is set aside. It is kept."))
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return HttpResponseRedirect(back if safe else reverse("feedback:answers"))


@staff_page(Permission.CUSTOMER_VIEW)
@require_safe
def customer_panel(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show a customer's newest answers beside a ticket."""
    customer = get_customer_for(request.user, customer_id)
    rows = [_row(answer) for answer in answers_of(customer.pk)]
    return render_page(request, PANEL, {"rows": rows, "customer": customer}, fragment="panel")
