"""Rubrics: checked, published in versions."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import record
from tickets.models import Rubric, RubricVersion
from tickets.quality_enums import CriterionKind, Evidence
from tickets.quality_events import RubricPublished

MOST_SECTIONS, MOST_CRITERIA = 10, 30
WHOLE = 100
MAX_NAME = 80


@transaction.atomic
def publish_rubric(
    *, rubric_id: int | None, name: str, sections: list[dict[str, Any]], actor: Actor, at: datetime, version: int | None
) -> Rubric:
    """Put a new version of a rubric into force, or a new rubric; reviews that exist keep their version.

    The same criteria again only change the name. Raises InvalidInput (name, else as tidy_sections says), NotFound,
    StaleEdit.
    """
    title = " ".join(name.split())
    if not title:
        raise InvalidInput(fields={"name": [_("Give the rubric a name.")]})
    if len(title) > MAX_NAME:
        raise InvalidInput(fields={"name": [_("The name is too long: at most 80 characters.")]})
    tidy = tidy_sections(sections)
    if rubric_id is None:
        row = Rubric.objects.create(name=title)
    else:
        found = Rubric.objects.select_for_update(no_key=True, of=("self",)).filter(pk=rubric_id).first()
        if found is None:
            raise NotFound
        row = found
        if version is not None and row.version != version:
            raise StaleEdit(changes=[{"field": "version", "yours": str(version), "theirs": str(row.version)}])
    before = row.current
    if before is None or before.sections != tidy:
        row.current = RubricVersion.objects.create(
            rubric=row, number=(before.number if before else 0) + 1, sections=tidy,
            published_by_id=actor.id if actor.is_person else None, published_at=at,
        )  # fmt: skip
    row.name = title
    row.version += 1
    row.save(update_fields=["name", "current", "version"])
    if row.current != before and row.current is not None:
        fact = RubricPublished(row.current.number, len(row.current.criteria()))
        record("rubric.published", subject=row, actor=actor, at=at, data=fact)
    return row


def weight_sum(sections: list[dict[str, Any]]) -> int:
    """Return what the weights of all criteria come to."""
    return sum(int(criterion.get("weight") or 0) for section in sections for criterion in section.get("criteria", []))


def tidy_sections(sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return sections and criteria tidied, each with a key it keeps over versions.

    Raises InvalidInput with a criterion's field by its place, like c0_2_weight, or with weights, or sections.
    """
    tidy: list[dict[str, Any]] = []
    faults: dict[str, list[Any]] = {}
    for n, section in enumerate(sections[:MOST_SECTIONS]):
        criteria = []
        for m, one in enumerate(section.get("criteria", [])):
            if str(one.get("zh", "")).strip():
                faults |= {f"c{n}_{m}_{name}": [words] for name, words in _faults_of(one).items()}
                criteria.append(_criterion(one))
        if criteria:
            zh = _line(section.get("zh")) or str(_("Criteria"))
            en = _line(section.get("en")) or zh
            tidy.append({"key": _key(section), "zh": zh, "en": en, "criteria": criteria})
    keys = [criterion["key"] for section in tidy for criterion in section["criteria"]]
    if not keys:
        faults["sections"] = [_("Name at least one criterion.")]
    elif len(keys) > MOST_CRITERIA or len(set(keys)) != len(keys):
        faults["sections"] = [_("Thirty criteria are the most, each once.")]
    if not faults and (total := weight_sum(tidy)) != WHOLE:
        faults["weights"] = [_("The weights add up to %(sum)s. They must come to 100.") % {"sum": total}]
    if faults:
        raise InvalidInput(fields=faults)
    return tidy


def _faults_of(one: dict[str, Any]) -> dict[str, Any]:
    """Return what is wrong with a criterion by field."""
    faults: dict[str, Any] = {}
    weight, words = one.get("weight"), {"name": _line(one.get("zh"))}
    if str(one.get("kind", "")) not in CriterionKind.values or str(one.get("source", "") or "") not in Evidence.values:
        faults["kind"] = _("Choose how “%(name)s” is marked.") % words
    if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= WHOLE:
        faults["weight"] = _("The weight of “%(name)s” is a whole number to 100.") % words
    elif weight == 0 and not one.get("is_fatal"):
        faults["weight"] = _("A criterion without weight counts for nothing unless it is fatal.")
    return faults


def _criterion(one: dict[str, Any]) -> dict[str, Any]:
    zh = _line(one.get("zh"))
    return {
        "key": _key(one),
        "zh": zh,
        "en": _line(one.get("en")) or zh,
        "guide_zh": str(one.get("guide_zh", "")).strip()[:1000],
        "guide_en": str(one.get("guide_en", "")).strip()[:1000],
        "weight": one.get("weight"),
        "kind": str(one.get("kind", "")),
        "is_fatal": bool(one.get("is_fatal")),
        "may_skip": bool(one.get("may_skip")),
        "source": str(one.get("source", "") or ""),
    }


def _line(value: Any) -> str:
    return " ".join(str(value or "").split())[:120]


def _key(row: dict[str, Any]) -> str:
    return (str(row.get("key") or "") or secrets.token_hex(4))[:24]
