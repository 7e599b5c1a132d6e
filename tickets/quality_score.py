"""The score of a review: the one place where it is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

NOT_APPLICABLE = "na"
TOP = {"scale": 5, "yes_no": 1}


@dataclass(frozen=True)
class Score:
    """What a filled-in rubric comes to; `value` is None while nothing counts, `missing` are criteria without a mark."""

    value: Decimal | None
    is_fatal: bool = False
    missing: tuple[str, ...] = ()
    parts: dict[str, Decimal] = field(default_factory=dict)


def score_of(criteria: Iterable[Mapping[str, Any]], answers: Mapping[str, Any]) -> Score:
    """Score a filled-in rubric from 0 to 100, rounded half up to hundredths.

        score = 100 × Σ weight × share ÷ Σ weight

    over the criteria that were marked, where share = mark ÷ 5 on the scale and 1 or 0 for yes and no. A criterion that
    does not apply leaves the sum above and below the line, so its weight falls to the others in proportion. A fatal
    criterion marked 0 makes the whole score 0, whatever else was marked. `answers` maps keys to {"value": 0–5 | 0–1 |
    "na"}. Our own definition, as kpis.md names it (quality_score: rubric score, 0–100).
    """
    above, below = Fraction(0), Fraction(0)
    missing, parts, fatal = [], {}, False
    for criterion in criteria:
        key, kind = criterion["key"], criterion["kind"]
        value = (answers.get(key) or {}).get("value")
        if value == NOT_APPLICABLE:
            continue
        if value is None or not is_mark(kind, value):
            missing.append(key)
            continue
        share = Fraction(int(value), TOP[kind])
        parts[key] = _hundredths(100 * share)
        above += criterion["weight"] * share
        below += criterion["weight"]
        fatal = fatal or (bool(criterion.get("is_fatal")) and value == 0)
    if not below:
        return Score(Decimal(0) if fatal else None, fatal, tuple(missing), parts)
    return Score(Decimal("0.00") if fatal else _hundredths(100 * above / below), fatal, tuple(missing), parts)


def is_mark(kind: str, value: Any) -> bool:
    """Say whether a value is a mark of this kind of criterion."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= TOP[kind]


def _hundredths(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
