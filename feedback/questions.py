"""The questions of a survey: their shape, what is wrong with them, how long they take, how answers are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput, Text
from feedback.enums import QuestionType

MAX_QUESTIONS, MAX_OPTIONS, MAX_TEXT = 20, 12, 2000
MAX_SECONDS = 300
RANGES: dict[str, tuple[int, int]] = {
    QuestionType.CSAT: (1, 5),
    QuestionType.NPS: (0, 10),
    QuestionType.CES: (1, 7),
    QuestionType.SCALE: (1, 5),
}
CHOICES = frozenset({QuestionType.SINGLE, QuestionType.MULTIPLE})
_SECONDS: dict[str, int] = {QuestionType.TEXT: 25, QuestionType.MULTIPLE: 10}
_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")
_JOINED = re.compile(r"和|以及|并且|与|及|\band\b|\bor\b|\bas well as\b|或者", re.I)
_LEADING = re.compile(
    r"难道|是不是也|您也|不觉得|非常棒|很棒|优质的?服务|贴心的?服务|您一定"
    r"|\b(?:don't you|wouldn't you|isn't it|excellent|amazing|great service|outstanding"
    r"|how much did you (?:love|enjoy))\b",
    re.I,
)


@dataclass(frozen=True)
class Option:
    """One thing to choose."""

    key: str
    zh: str
    en: str

    def text_in(self, language: str) -> str:
        """Return the words in `zh-hans` or `en`."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True)
class Question:
    """One question; asked only when the answer to `after` is at most `at_most` (both None = always)."""

    id: str
    type: str
    zh: str
    en: str
    is_required: bool = True
    options: tuple[Option, ...] = ()
    after: str | None = None
    at_most: int | None = None

    def text_in(self, language: str) -> str:
        """Return the words in `zh-hans` or `en`."""
        return self.en if language == "en" else self.zh

    @property
    def values(self) -> list[int]:
        """Return the numbers that can be chosen, empty for words and options."""
        low, high = RANGES.get(self.type, (0, -1))
        return list(range(low, high + 1))

    def is_asked(self, answers: Mapping[str, Any]) -> bool:
        """Tell whether the question applies after these answers."""
        if self.after is None or self.at_most is None:
            return True
        value = answers.get(self.after)
        return isinstance(value, int) and value <= self.at_most

    def to_json(self) -> dict[str, Any]:
        """Return what the database keeps."""
        data: dict[str, Any] = {
            "id": self.id, "type": str(self.type), "zh": self.zh, "en": self.en, "is_required": self.is_required,
        }  # fmt: skip
        if self.options:
            data["options"] = [{"key": o.key, "zh": o.zh, "en": o.en} for o in self.options]
        if self.after is not None:
            data |= {"after": self.after, "at_most": self.at_most}
        return data


def read_questions(data: Any) -> tuple[Question, ...]:
    """Return the questions a version keeps. Raises InvalidInput with one sentence for each thing wrong."""
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise InvalidInput(fields={"questions": [_("The questions cannot be read.")]})
    questions = tuple(_read_one(row) for row in data)
    if faults := check_questions(questions):
        raise InvalidInput(fields={"questions": faults})
    return questions


def _read_one(row: dict[str, Any]) -> Question:
    options = tuple(
        Option(str(o.get("key", "")), str(o.get("zh", "")), str(o.get("en", "")))
        for o in row.get("options", ())
        if isinstance(o, dict)
    )
    at_most = row.get("at_most")
    return Question(
        id=str(row.get("id", "")),
        type=str(row.get("type", "")),
        zh=str(row.get("zh", "")).strip(),
        en=str(row.get("en", "")).strip(),
        is_required=bool(row.get("is_required", True)),
        options=options,
        after=str(row["after"]) if row.get("after") else None,
        at_most=at_most if isinstance(at_most, int) else None,
    )


def check_questions(questions: tuple[Question, ...]) -> list[Text]:
    """Return what must be mended before the questions can be asked."""
    faults: list[Text] = []
    if not questions:
        faults.append(_("A survey needs at least one question."))
    if len(questions) > MAX_QUESTIONS:
        faults.append(_("Ask at most %(n)d questions.") % {"n": MAX_QUESTIONS})
    before: dict[str, Question] = {}
    for place, question in enumerate(questions, 1):
        faults += [f"{place}. {fault}" for fault in _faults_of(question, before)]
        before[question.id] = question
    for kind in (QuestionType.CSAT, QuestionType.NPS, QuestionType.CES):
        if sum(question.type == kind for question in questions) > 1:
            faults.append(_("Only one question of this kind can be counted: %(kind)s.") % {"kind": kind.label})
    if estimate_seconds(questions) > MAX_SECONDS:
        faults.append(_("This takes longer than five minutes. Ask less."))
    return faults


def _faults_of(question: Question, before: dict[str, Question]) -> list[Text]:
    faults: list[Text] = []
    if not _ID.fullmatch(question.id) or question.id in before:
        faults.append(_("Each question needs a name of its own."))
    if question.type not in QuestionType.values:
        faults.append(_("This kind of question is not known."))
    if not question.zh or not question.en:
        faults.append(_("Write the question in both languages."))
    if max(len(question.zh), len(question.en)) > 300:
        faults.append(_("Keep the question under 300 characters."))
    if question.type in CHOICES:
        keys = [option.key for option in question.options]
        if not 2 <= len(keys) <= MAX_OPTIONS or len(set(keys)) < len(keys):
            faults.append(_("Give between 2 and %(n)d different choices.") % {"n": MAX_OPTIONS})
        if any(not o.zh or not o.en or not _ID.fullmatch(o.key) for o in question.options):
            faults.append(_("Write every choice in both languages."))
    if question.after is not None:
        earlier = before.get(question.after)
        if earlier is None or earlier.type not in RANGES or question.at_most not in earlier.values:
            faults.append(_("The condition must name an earlier question with numbers and one of its numbers."))
    return faults


def estimate_seconds(questions: tuple[Question, ...]) -> int:
    """Return about how long filling in takes: reading at four characters a second and answering.

    Half for what is asked sometimes or may be left out.
    """
    total = 0.0
    for question in questions:
        seconds = _SECONDS.get(question.type, 4) + len(question.zh) / 4 + len(question.options)
        total += seconds / 2 if question.after or not question.is_required else seconds
    return max(5, round(total))


def doubts_about(question: Question) -> list[Text]:
    """Return warnings a good interviewer would give; simple rules over the words, so only a hint."""
    doubts: list[Text] = []
    if question.type != QuestionType.TEXT and any(_JOINED.search(words) for words in (question.zh, question.en)):
        doubts.append(_("This may ask two things at once. Ask about one thing only."))
    if any(_LEADING.search(words) for words in (question.zh, question.en)):
        doubts.append(_("This may lead to an answer. Ask without praise and without a hint."))
    return doubts


Values = Callable[[str], list[str]]


def read_answers(
    questions: tuple[Question, ...], values: Values, *, only_given: bool = False
) -> tuple[dict[str, Any], dict[str, Text]]:
    """Return (answers, faults) from posted values (`values(id)` = what was posted for a question).

    A question that does not apply is left out whatever was posted. With `only_given` nothing is missed: for saving
    as it goes.
    """
    answers: dict[str, Any] = {}
    faults: dict[str, Text] = {}
    for question in questions:
        if not question.is_asked(answers):
            continue
        posted = [value.replace("\x00", "").strip() for value in values(question.id)]
        posted = [value for value in posted if value]
        if not posted:
            if question.is_required and not only_given:
                faults[question.id] = _missing(question)
            continue
        value, fault = _read_value(question, posted)
        if fault:
            faults[question.id] = fault
        else:
            answers[question.id] = value
    return answers, faults


def _missing(question: Question) -> Text:
    if question.type == QuestionType.TEXT:
        return _("Please write a word or two.")
    return _("Please choose one.") if question.type != QuestionType.MULTIPLE else _("Please choose at least one.")


def _read_value(question: Question, posted: list[str]) -> tuple[Any, Text | None]:
    if question.type == QuestionType.TEXT:
        text = posted[0]
        if len(text) > MAX_TEXT:
            return None, _("Please keep it under %(n)d characters.") % {"n": MAX_TEXT}
        return text, None
    if question.type in CHOICES:
        keys = [option.key for option in question.options]
        chosen = [key for key in keys if key in posted]
        if not chosen or len(chosen) != len(set(posted)) or (question.type == QuestionType.SINGLE and len(chosen) > 1):
            return None, _missing(question)
        return (chosen if question.type == QuestionType.MULTIPLE else chosen[0]), None
    number = int(posted[0]) if posted[0].isascii() and posted[0].isdigit() and len(posted[0]) < 4 else None
    return (number, None) if number in question.values else (None, _missing(question))


def value_in_words(question: Question, value: Any, language: str) -> str:
    """Return one answer as words, empty when there is none."""
    if value is None or value == "":
        return ""
    names = {option.key: option.text_in(language) for option in question.options}
    if isinstance(value, list):
        return ("、" if language != "en" else ", ").join(names.get(str(key), str(key)) for key in value)
    if question.type == QuestionType.SINGLE:
        return names.get(str(value), str(value))
    return f"{value} / {question.values[-1]}" if question.values else str(value)
