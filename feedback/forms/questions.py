"""The questions of a survey as a supervisor types them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.enums import QuestionType
from feedback.models import Survey, SurveyVersion
from feedback.questions import CHOICES, MAX_QUESTIONS, Option, Question
from feedback.services.surveys import SurveyDraft, Wording

_TYPES_WITH_NUMBERS = _("Only after a question with numbers.")


class SurveyForm(forms.Form):
    """When and how often a survey is sent."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=60)
    name_en = forms.CharField(label=_("Name in English"), max_length=60)
    is_active = forms.BooleanField(label=_("In use"), required=False)
    delay_minutes = forms.IntegerField(label=_("Sent after (minutes)"), min_value=0, max_value=43200)
    period_days = forms.IntegerField(
        label=_("Once per customer in (days)"), min_value=0, max_value=365, help_text=_("0 = as often as it happens.")
    )
    remind_after_days = forms.IntegerField(
        label=_("Reminded once after (days)"), min_value=0, max_value=30, help_text=_("0 = never.")
    )
    expires_days = forms.IntegerField(label=_("Link works for (days)"), min_value=1, max_value=90)

    def draft(self) -> SurveyDraft:
        """Return what was typed."""
        return SurveyDraft(**{name: value for name, value in self.cleaned_data.items() if name != "version"})


def survey_initial(survey: Survey) -> dict[str, Any]:
    """Return what the settings form shows at first."""
    names = [
        "version",
        "name_zh",
        "name_en",
        "is_active",
        "delay_minutes",
        "period_days",
        "remind_after_days",
        "expires_days",
    ]
    return {name: getattr(survey, name) for name in names}


class WordingForm(forms.Form):
    """What stands above the questions."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    title_zh = forms.CharField(label=_("Title in Chinese"), max_length=120)
    title_en = forms.CharField(label=_("Title in English"), max_length=120)
    intro_zh = forms.CharField(label=_("Introduction in Chinese"), max_length=400, required=False)
    intro_en = forms.CharField(label=_("Introduction in English"), max_length=400, required=False)

    def wording(self) -> Wording:
        """Return what was typed."""
        return Wording(**{name: value for name, value in self.cleaned_data.items() if name != "version"})


class QuestionForm(forms.Form):
    """One question; an empty one is left out."""

    all_optional = True
    id = forms.SlugField(required=False, max_length=32, widget=forms.HiddenInput)
    type = forms.ChoiceField(label=_("Kind"), choices=QuestionType, initial=QuestionType.SINGLE)
    zh = forms.CharField(label=_("Question in Chinese"), max_length=300, required=False)
    en = forms.CharField(label=_("Question in English"), max_length=300, required=False)
    options = forms.CharField(
        label=_("Choices"), required=False, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One a line: Chinese | English. For one of several and several of several."),
    )  # fmt: skip
    is_required = forms.BooleanField(label=_("Must be answered"), required=False, initial=True)
    after = forms.SlugField(
        required=False, max_length=32, label=_("Only after question"), help_text=_TYPES_WITH_NUMBERS
    )
    at_most = forms.IntegerField(required=False, label=_("when its answer is at most"), min_value=0, max_value=10)
    place = forms.IntegerField(required=False, label=_("Position"), min_value=1, max_value=MAX_QUESTIONS + 1)
    remove = forms.BooleanField(required=False, label=_("Remove this question"))

    def clean_options(self) -> str:
        """Ask for both languages on every line."""
        text: str = self.cleaned_data["options"]
        for line in filter(str.strip, text.splitlines()):
            if len([part for part in re.split(r"[|｜]", line) if part.strip()]) != 2:
                raise forms.ValidationError(_("Write every choice as: Chinese | English"))
        return text

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was typed here."""
        return not self.cleaned_data.get("zh") and not self.cleaned_data.get("en")


QuestionFormSet = forms.formset_factory(
    QuestionForm, extra=1, max_num=MAX_QUESTIONS + 1, absolute_max=MAX_QUESTIONS + 1
)


def question_initial(version: SurveyVersion | None, questions: Iterable[Question]) -> list[dict[str, Any]]:
    """Return what the question forms show at first."""
    return [
        {
            "id": q.id, "type": q.type, "zh": q.zh, "en": q.en, "is_required": q.is_required,
            "options": "\n".join(f"{o.zh} | {o.en}" for o in q.options),
            "after": q.after, "at_most": q.at_most, "place": place,
        }
        for place, q in enumerate(questions, 1)
    ]  # fmt: skip


def typed_questions(forms_: Iterable[Any], before: Iterable[Question]) -> tuple[Question, ...]:
    """Return the questions as typed, in their places; unchanged choices keep their keys, so answers stay comparable."""
    known = {question.id: {o.zh: o.key for o in question.options} for question in before}
    kept = [
        form.cleaned_data
        for form in forms_
        if form.cleaned_data and not form.is_empty and not form.cleaned_data["remove"]
    ]
    kept.sort(key=lambda data: data["place"] or MAX_QUESTIONS + 1)
    taken = {data["id"] for data in kept if data["id"]}
    return tuple(_question(data, known, taken) for data in kept)


def _question(data: dict[str, Any], known: dict[str, dict[str, str]], taken: set[str]) -> Question:
    id_ = data["id"] or _free_name("q", taken)
    taken.add(id_)
    return Question(
        id=id_,
        type=data["type"],
        zh=data["zh"].strip(),
        en=data["en"].strip(),
        is_required=data["is_required"],
        options=tuple(_options(data["options"], known.get(id_, {}))) if data["type"] in CHOICES else (),
        after=data["after"] or None,
        at_most=data["at_most"] if data["after"] else None,
    )


def _options(text: str, keys: dict[str, str]) -> list[Option]:
    taken = set(keys.values())
    options = []
    for line in filter(str.strip, text.splitlines()):
        zh, en = (part.strip() for part in re.split(r"[|｜]", line) if part.strip())
        key = keys.get(zh) or _free_name("o", taken)
        taken.add(key)
        options.append(Option(key, zh, en))
    return options


def _free_name(letter: str, taken: set[str]) -> str:
    return next(name for n in range(1, 1000) if (name := f"{letter}{n}") not in taken)
