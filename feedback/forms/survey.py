"""How the questions of a survey stand on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.errors import Text
from feedback.enums import QuestionType
from feedback.questions import MAX_TEXT, Question

FACES = ("mood-angry", "mood-sad", "mood-empty", "mood-smile", "mood-happy")


@dataclass(frozen=True)
class Choice:
    """One thing to tick."""

    value: str
    label: str
    icon: str
    is_chosen: bool


@dataclass(frozen=True)
class Screen:
    """One question as it is shown; `look` is faces, scale, list or text."""

    id: str
    number: int
    type: str
    look: str
    text: str
    is_required: bool
    is_multiple: bool
    choices: list[Choice]
    ends: tuple[str, str] | None
    value: str
    fault: Text
    condition: str
    after: str
    at_most: int | None
    max_length: int = MAX_TEXT


def face_words() -> list[str]:
    """Return the words under the five faces, the worst first."""
    return [_("Very unhappy"), _("Unhappy"), _("Okay"), _("Happy"), _("Very happy")]


def screens_of(
    questions: tuple[Question, ...], given: Mapping[str, Any], faults: Mapping[str, Text], language: str
) -> list[Screen]:
    """Return the screens of a survey in its order, in the active language."""
    by_id = {question.id: question for question in questions}
    return [_screen(number, question, by_id, given, faults, language) for number, question in enumerate(questions, 1)]


def _screen(
    number: int,
    question: Question,
    by_id: Mapping[str, Question],
    given: Mapping[str, Any],
    faults: Mapping[str, Text],
    language: str,
) -> Screen:
    value = given.get(question.id)
    chosen = {str(one) for one in value} if isinstance(value, list) else {str(value)} if value is not None else set()
    return Screen(
        id=question.id,
        number=number,
        type=question.type,
        look=_look(question),
        text=question.text_in(language),
        is_required=question.is_required,
        is_multiple=question.type == QuestionType.MULTIPLE,
        choices=_choices(question, chosen, language),
        ends=_ends(question),
        value=value if isinstance(value, str) else "",
        fault=faults.get(question.id, ""),
        condition=_condition(question, by_id),
        after=question.after or "",
        at_most=question.at_most,
    )


def _look(question: Question) -> str:
    if question.type == QuestionType.CSAT:
        return "faces"
    if question.type == QuestionType.TEXT:
        return "text"
    return "scale" if question.values else "list"


def _choices(question: Question, chosen: set[str], language: str) -> list[Choice]:
    if question.type == QuestionType.CSAT:
        words = face_words()
        return [Choice(str(n), words[n - 1], FACES[n - 1], str(n) in chosen) for n in question.values]
    if question.values:
        return [Choice(str(n), str(n), "", str(n) in chosen) for n in question.values]
    return [Choice(o.key, o.text_in(language), "", o.key in chosen) for o in question.options]


def _ends(question: Question) -> tuple[str, str] | None:
    if question.type == QuestionType.NPS:
        return _("Not at all"), _("Very likely")
    if question.type == QuestionType.CES:
        return _("Very hard"), _("Very easy")
    return (_("Not at all"), _("Completely")) if question.type == QuestionType.SCALE else None


def _condition(question: Question, by_id: Mapping[str, Question]) -> str:
    """Return when a question is to be answered, for those who see all of them at once."""
    earlier = by_id.get(question.after or "")
    if earlier is None or question.at_most is None:
        return ""
    if earlier.type == QuestionType.CSAT:
        return _("Only if you chose “%(word)s” or less above") % {"word": face_words()[question.at_most - 1]}
    return _("Only if you chose %(n)d or less above") % {"n": question.at_most}
