"""The score: the one formula, held by properties."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.quality_score import score_of

kinds = st.sampled_from(["scale", "yes_no"])


@st.composite
def filled(draw: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Draw a rubric with every criterion marked or not applicable."""
    criteria, answers = [], {}
    for number in range(draw(st.integers(1, 8))):
        kind = draw(kinds)
        key = f"c{number}"
        criteria.append({"key": key, "kind": kind, "weight": draw(st.integers(1, 40)), "is_fatal": draw(st.booleans())})
        answers[key] = {"value": draw(st.one_of(st.integers(0, 5 if kind == "scale" else 1), st.just("na")))}
    return criteria, answers


@settings(max_examples=200, deadline=None)
@given(filled())
def test_the_score_is_the_weighted_mean_of_what_applies(case: Any) -> None:
    criteria, answers = case
    score = score_of(criteria, answers)
    counted = [one for one in criteria if answers[one["key"]]["value"] != "na"]
    fatal = any(one["is_fatal"] and answers[one["key"]]["value"] == 0 for one in counted)
    assert score.is_fatal is fatal
    if not counted:
        assert score.value is None
        return
    assert score.value is not None
    assert 0 <= score.value <= 100
    if fatal:
        assert score.value == 0
        return
    exact = Fraction(0)
    for one in counted:
        exact += one["weight"] * Fraction(answers[one["key"]]["value"], 5 if one["kind"] == "scale" else 1)
    exact = 100 * exact / sum(one["weight"] for one in counted)
    assert abs(Fraction(score.value) - exact) <= Fraction(1, 200)


@settings(max_examples=100, deadline=None)
@given(filled(), st.integers(0, 7))
def test_a_better_mark_never_lowers_and_order_never_matters(case: Any, which: int) -> None:
    criteria, answers = case
    before = score_of(criteria, answers)
    assert score_of(list(reversed(criteria)), answers).value == before.value
    one = criteria[which % len(criteria)]
    value = answers[one["key"]]["value"]
    if value == "na":
        return
    top = 5 if one["kind"] == "scale" else 1
    after = score_of(criteria, {**answers, one["key"]: {"value": min(top, value + 1)}})
    assert (after.value or 0) >= (before.value or 0)


def test_what_does_not_apply_leaves_the_sum_and_fatal_zeroes_it() -> None:
    criteria = [
        {"key": "a", "kind": "scale", "weight": 60},
        {"key": "b", "kind": "yes_no", "weight": 40},
        {"key": "c", "kind": "yes_no", "weight": 0, "is_fatal": True},
    ]
    yes = {"c": {"value": 1}}
    assert score_of(criteria, {"a": {"value": 4}, "b": {"value": 0}, **yes}).value == Decimal("48.00")
    assert score_of(criteria, {"a": {"value": 4}, "b": {"value": "na"}, **yes}).value == Decimal("80.00")
    zero = score_of(criteria, {"a": {"value": 5}, "b": {"value": 1}, "c": {"value": 0}})
    assert (zero.value, zero.is_fatal) == (Decimal(0), True)
    assert score_of(criteria, {"a": {"value": 4}}).missing == ("b", "c")
    assert score_of(criteria, {"a": {"value": True}, "b": {"value": 7}, **yes}).missing == ("a", "b")
