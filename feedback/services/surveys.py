"""Change when a survey is sent and what it asks; changed questions are a new version."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import Code, record
from feedback.events import SurveySaved
from feedback.models import Survey, SurveyVersion
from feedback.questions import Question, check_questions, estimate_seconds


@dataclass(frozen=True)
class SurveyDraft:
    """When and how often a survey is sent."""

    name_zh: str
    name_en: str
    is_active: bool
    delay_minutes: int
    expires_days: int
    period_days: int
    remind_after_days: int


@dataclass(frozen=True)
class Wording:
    """What stands above the questions."""

    title_zh: str
    title_en: str
    intro_zh: str = ""
    intro_en: str = ""


def _lock(survey_id: int, version: int, theirs: list[str]) -> Survey:
    rows = Survey.objects.select_for_update(no_key=True, of=("self",)).select_related("current")
    survey = rows.filter(pk=survey_id).first()
    if survey is None:
        raise NotFound
    if survey.version != version:
        raise StaleEdit(changes=[{"field": name, "theirs": str(getattr(survey, name, ""))} for name in theirs])
    return survey


@transaction.atomic
def save_survey(*, survey_id: int, draft: SurveyDraft, version: int, actor: Actor, at: datetime) -> Survey:
    """Change a survey's settings; invitations already out keep theirs. Raises NotFound, StaleEdit, InvalidInput."""
    survey = _lock(survey_id, version, list(asdict(draft)))
    if not 1 <= draft.expires_days <= 90:
        raise InvalidInput(fields={"expires_days": [_("Choose between 1 and 90 days.")]})
    if draft.delay_minutes > 43200:
        raise InvalidInput(fields={"delay_minutes": [_("Choose at most 30 days.")]})
    changed = [name for name, value in asdict(draft).items() if getattr(survey, name) != value]
    for name in changed:
        setattr(survey, name, getattr(draft, name))
    survey.version += 1
    survey.save(update_fields=[*changed, "version"])
    _record(survey, changed, actor, at)
    return survey


@transaction.atomic
def save_questions(
    *, survey_id: int, wording: Wording, questions: tuple[Question, ...], version: int, actor: Actor, at: datetime
) -> SurveyVersion:
    """Make these the questions from now on; nothing changes when they are the same as before.

    Raises NotFound, StaleEdit, InvalidInput.
    """
    survey = _lock(survey_id, version, [])
    if faults := check_questions(questions):
        raise InvalidInput(fields={"questions": faults})
    if not wording.title_zh or not wording.title_en:
        raise InvalidInput(fields={"title_zh": [_("Write the title in both languages.")]})
    data = [question.to_json() for question in questions]
    before = survey.current
    if before is not None and before.questions == data and wording == wording_of(before):
        return before
    made = SurveyVersion(
        survey=survey,
        number=(before.number if before else 0) + 1,
        questions=data,
        estimated_seconds=estimate_seconds(questions),
        made_by=actor.id if actor.is_person else None,
        **asdict(wording),
    )
    made.save(force_insert=True)
    survey.current = made
    survey.version += 1
    survey.save(update_fields=["current", "version"])
    _record(survey, ["questions"], actor, at)
    return made


def wording_of(version: SurveyVersion) -> Wording:
    """Return what stands above a version's questions."""
    return Wording(version.title_zh, version.title_en, version.intro_zh, version.intro_en)


def _record(survey: Survey, fields: list[str], actor: Actor, at: datetime) -> None:
    number = survey.current.number if survey.current else 0
    data = SurveySaved(survey=Code(survey.key), number=number, fields=tuple(Code(name) for name in fields))
    record("survey_form.changed", subject=survey, actor=actor, at=at, data=data)
