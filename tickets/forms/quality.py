"""Forms of quality review: marks of a rubric, the rubric itself, sampling plans, terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from tickets.enums import Channel
from tickets.models import Category, Rubric
from tickets.quality_enums import BOOSTS, SamplePeriod, SampleWay, Why
from tickets.quality_score import NOT_APPLICABLE
from tickets.services.quality.plans import PlanTerms
from tickets.services.quality.rubrics import MOST_CRITERIA, MOST_SECTIONS

FREE_ROWS = 2


def whole(text: str) -> int | None:
    """Read a number of at most 17 digits; anything else is None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def read_answers(data: Mapping[str, str], criteria: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return what was marked: v-KEY the mark, c-KEY the comment, m-KEY the message."""
    answers = {}
    for criterion in criteria:
        key = criterion["key"]
        mark = data.get(f"v-{key}", "")
        answers[key] = {
            "value": NOT_APPLICABLE if mark == NOT_APPLICABLE else whole(mark),
            "comment": data.get(f"c-{key}", ""),
            "message": whole(data.get(f"m-{key}", "")),
        }
    return answers


def read_sections(data: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the sections and criteria of a posted rubric, empty rows too so that they can be shown again."""
    return [
        {
            "key": data.get(f"s{n}_key", "")[:24],
            "zh": data.get(f"s{n}_zh", ""),
            "en": data.get(f"s{n}_en", ""),
            "criteria": [_read_criterion(data, f"c{n}_{m}_") for m in range(MOST_CRITERIA) if f"c{n}_{m}_zh" in data],
        }
        for n in range(MOST_SECTIONS)
        if f"s{n}_zh" in data
    ]


def _read_criterion(data: Mapping[str, str], prefix: str) -> dict[str, Any]:
    words = {
        name: data.get(f"{prefix}{name}", "") for name in ("key", "zh", "en", "guide_zh", "guide_en", "kind", "source")
    }
    return {
        **words,
        "key": words["key"][:24],
        "weight": whole(data.get(f"{prefix}weight", "").strip() or "0"),
        "typed_weight": data.get(f"{prefix}weight", "").strip(),
        "is_fatal": data.get(f"{prefix}fatal") == "on",
        "may_skip": data.get(f"{prefix}skip") == "on",
    }


def with_faults(sections: list[dict[str, Any]], faults: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return posted sections with what is wrong beside each criterion."""
    for n, section in enumerate(sections):
        for m, row in enumerate(section["criteria"]):
            row["faults"] = {name: faults.get(f"c{n}_{m}_{name}", []) for name in ("weight", "kind")}
    return sections


def with_free_rows(sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return sections with some empty criteria below each and an empty section at the end."""
    found = []
    for section in sections:
        rows = [row for row in section["criteria"] if str(row.get("zh", "")).strip()]
        if rows or str(section.get("zh", "")).strip():
            found.append({**section, "criteria": [*rows, *({"kind": "scale"} for _n in range(FREE_ROWS))]})
    if len(found) < MOST_SECTIONS:
        found.append({"criteria": [{"kind": "scale"} for _n in range(FREE_ROWS)]})
    return found


def _many(label: Any, coerce: Any = str, help_text: Any = "") -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label, coerce=coerce, required=False, widget=forms.CheckboxSelectMultiple, help_text=help_text
    )


class PlanForm(forms.Form):
    """A sampling plan."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=80)
    rubric_id = forms.TypedChoiceField(label=_("Rubric"), coerce=int)
    period = forms.ChoiceField(label=_("How often"), choices=SamplePeriod, initial=SamplePeriod.WEEK)
    way = forms.ChoiceField(label=_("How many"), choices=SampleWay, initial=SampleWay.PER_AGENT)
    amount = forms.IntegerField(label=_("Number, or percent"), min_value=1, max_value=100, initial=2)
    boosts = _many(_("Draw more often"), help_text=_("Conversations with these signs have a better chance."))
    factor = forms.IntegerField(label=_("By how much (times)"), min_value=1, max_value=20, initial=3)
    due_days = forms.IntegerField(label=_("Days to review"), min_value=1, max_value=60, initial=5)
    team_ids = _many(_("Teams"), int)
    agent_ids = _many(_("Agents"), int)
    channels = _many(_("Channel"))
    category_ids = _many(_("Category"), int)
    reviewer_ids = _many(
        _("Reviewers"), int, _("Nobody chosen: all reviewers in turn. Nobody gets her own conversation.")
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, lists: PlanLists, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict(Why.choices)
        choices: dict[str, list[tuple[Any, Any]]] = {
            "rubric_id": [(one.pk, one.name) for one in lists.rubrics],
            "boosts": [(code.value, names[code]) for code in BOOSTS],
            "team_ids": lists.teams,
            "agent_ids": [(one.pk, one.display_name) for one in lists.agents],
            "channels": list(Channel.choices),
            "category_ids": [(one.pk, one.name_in(language)) for one in lists.categories],
            "reviewer_ids": [(one.pk, one.display_name) for one in lists.reviewers],
        }
        if not lists.may_be_all:
            self.fields["team_ids"].help_text = _("You draw from the conversations of your own teams.")
            self.fields["team_ids"].required = bool(lists.teams)
            self.fields["team_ids"].error_messages["required"] = _("Choose among your own teams.")
        for name, values in choices.items():
            self.fields[name].choices = values  # type: ignore[attr-defined]

    def terms(self) -> PlanTerms:
        """Return what was typed."""
        data: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.cleaned_data.items()
            if name != "version"
        }
        return PlanTerms(**data)


class PlanLists:
    """What a plan's form offers."""

    def __init__(
        self,
        rubrics: list[Rubric],
        teams: list[tuple[int, str]],
        agents: list[Staff],
        reviewers: list[Staff],
        categories: list[Category],
        *,
        may_be_all: bool = True,
    ) -> None:
        self.rubrics, self.teams, self.agents = rubrics, teams, agents
        self.reviewers, self.categories, self.may_be_all = reviewers, categories, may_be_all


class TermsForm(forms.Form):
    """Days, thresholds, what counts as new or away."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    appeal_days = forms.IntegerField(label=_("Days to appeal"), min_value=1, max_value=60)
    decide_days = forms.IntegerField(label=_("Days to decide an appeal"), min_value=1, max_value=60)
    coach_below = forms.IntegerField(label=_("Coaching is due below (points)"), min_value=0, max_value=100)
    coach_days = forms.IntegerField(label=_("Days until the coaching talk"), min_value=1, max_value=60)
    new_agent_days = forms.IntegerField(label=_("New colleagues stay new for (days)"), min_value=0, max_value=365)
    away_hours = forms.IntegerField(
        label=_("A reviewer is away after (hours off shift)"), min_value=4, max_value=400,
        help_text=_("Reviews they have not started then go to the others."),
    )  # fmt: skip


class ReasonForm(forms.Form):
    """Why an agent appeals."""

    reason = forms.CharField(label=_("What should be looked at again, and why"), max_length=4000, widget=forms.Textarea)


class DecisionForm(forms.Form):
    """How an appeal is decided."""

    decision = forms.CharField(label=_("Reasons for the agent"), max_length=4000, widget=forms.Textarea)
