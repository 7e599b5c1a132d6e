"""/settings/surveys/: when surveys are sent and what they ask."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit, Text
from core.http import form_invalid, render_page
from feedback import services
from feedback.forms.questions import (
    QuestionFormSet,
    SurveyForm,
    WordingForm,
    question_initial,
    survey_initial,
    typed_questions,
)
from feedback.forms.survey import screens_of
from feedback.models import Survey
from feedback.questions import Question, doubts_about, estimate_seconds, read_questions
from feedback.selectors.answers import surveys
from feedback.services.surveys import Wording, wording_of

LIST, EDIT, QUESTIONS = (f"feedback/settings/{name}.html" for name in ("surveys", "survey_edit", "questions"))


def _get(survey_id: int) -> Survey:
    survey = surveys().filter(pk=survey_id).first()
    if survey is None:
        raise NotFound
    return survey


@staff_page(Permission.SURVEY_MANAGE)
@require_safe
def survey_list(request: StaffRequest) -> HttpResponse:
    """List the surveys."""
    language = get_language() or ""
    rows = [{"survey": row, "name": row.name_in(language)} for row in surveys()]
    return render_page(request, LIST, {"rows": rows})


@staff_page(Permission.SURVEY_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def survey_edit(request: StaffRequest, survey_id: int) -> HttpResponse:
    """Show and save when a survey is sent."""
    survey = _get(survey_id)
    form = SurveyForm(request.POST or None, initial=survey_initial(survey))
    context: dict[str, Any] = {"survey": survey, "name": survey.name_in(get_language() or ""), "form": form}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if not form.is_valid():
        return form_invalid(request, EDIT, context)
    try:
        services.save_survey(
            survey_id=survey.pk,
            draft=form.draft(),
            version=form.cleaned_data["version"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit as error:
        typed = request.POST.copy()
        fresh = _get(survey_id)
        typed["version"] = str(fresh.version)
        form = SurveyForm(typed)
        changes = [{"label": form.fields[c["field"]].label, "theirs": c["theirs"]} for c in error.changes]
        context |= {"form": form, "stale": str(error), "changes": changes, "survey": fresh}
        return render_page(request, EDIT, context, status=409)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("feedback:surveys"))


@staff_page(Permission.SURVEY_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def survey_questions(request: StaffRequest, survey_id: int) -> HttpResponse:
    """Show the questions; POST looks at them (`look`), adds a line (`add`) or makes them the new version."""
    survey = _get(survey_id)
    current = survey.current
    before = read_questions(current.questions) if current else ()
    if request.method != "POST":
        wording = WordingForm(initial=vars_of(current) | {"version": survey.version})
        rows = QuestionFormSet(initial=question_initial(current, before), prefix="q")
        return render_page(request, QUESTIONS, _page(survey, wording, rows, before, []))
    wording, rows = WordingForm(request.POST), QuestionFormSet(_data(request), prefix="q")
    if not (wording.is_valid() and rows.is_valid()):
        return form_invalid(request, QUESTIONS, _page(survey, wording, rows, before, []))
    questions = typed_questions(rows.forms, before)
    if "preview" in request.POST:
        return _preview(request, wording.wording(), questions)
    if "look" in request.POST or "add" in request.POST:
        return render_page(request, QUESTIONS, _page(survey, wording, rows, questions, []))
    try:
        made = services.save_questions(
            survey_id=survey.pk,
            wording=wording.wording(),
            questions=questions,
            version=wording.cleaned_data["version"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except InvalidInput as error:
        faults = [fault for sentences in error.fields.values() for fault in sentences]
        return form_invalid(request, QUESTIONS, _page(survey, wording, rows, questions, faults))
    except StaleEdit as error:
        typed = request.POST.copy()
        typed["version"] = str(_get(survey_id).version)
        context = _page(survey, WordingForm(typed), rows, questions, []) | {"stale": str(error)}
        return render_page(request, QUESTIONS, context, status=409)
    messages.success(
        request, _("Saved as version %(n)d. Links already sent keep their questions.") % {"n": made.number}
    )
    return HttpResponseRedirect(reverse("feedback:survey_questions", args=[survey.pk]))


def vars_of(current: Any) -> dict[str, str]:
    """Return what stands above the questions, as form values."""
    return vars(wording_of(current)) if current else {}


def _data(request: HttpRequest) -> Any:
    """Return the posted forms, with an empty one more when asked for."""
    data = request.POST.copy()
    if "add" in data:
        total = data.get("q-TOTAL_FORMS", "0")
        data["q-TOTAL_FORMS"] = str(int(total) + 1) if total.isdecimal() and len(total) < 4 else total
    return data


def _page(
    survey: Survey, wording: WordingForm, rows: Any, questions: tuple[Question, ...], faults: list[Text]
) -> dict[str, Any]:
    seconds = estimate_seconds(questions) if questions else 0
    doubts = [
        {"number": number, "text": question.text_in(get_language() or ""), "doubts": found}
        for number, question in enumerate(questions, 1)
        if (found := doubts_about(question))
    ]
    return {
        "survey": survey,
        "name": survey.name_in(get_language() or ""),
        "wording": wording,
        "rows": rows,
        "names": [{"id": q.id, "text": q.text_in(get_language() or "")} for q in questions if q.values],
        "seconds": seconds,
        "doubts": doubts,
        "faults": faults,
    }


@staff_page(Permission.SURVEY_MANAGE)
@require_safe
def survey_preview(request: StaffRequest, survey_id: int) -> HttpResponse:
    """Show the saved survey as customers see it."""
    current = _get(survey_id).current
    if current is None:
        raise NotFound
    return _preview(request, wording_of(current), read_questions(current.questions))


def _preview(request: StaffRequest, wording: Wording, questions: tuple[Question, ...]) -> HttpResponse:
    language = get_language() or "zh-hans"
    english = language == "en"
    context = {
        "preview": True,
        "title": wording.title_en if english else wording.title_zh,
        "intro": wording.intro_en if english else wording.intro_zh,
        "minutes": max(1, round(estimate_seconds(questions) / 60)) if questions else 1,
        "screens": screens_of(questions, {}, {}, language),
        "action": "",
    }
    return render(request, "feedback/survey.html", context)
