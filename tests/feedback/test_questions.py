"""Questions: what may be asked, what is doubtful, how long it takes, how answers are read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from feedback.questions import Question, check_questions, doubts_about, estimate_seconds, read_answers, read_questions

CSAT = {"id": "csat", "type": "csat", "zh": "满意吗？", "en": "Satisfied?"}
NPS = {"id": "nps", "type": "nps", "zh": "推荐吗？", "en": "Recommend?"}
WHY = {
    "id": "why", "type": "multiple", "zh": "为什么？", "en": "Why?", "after": "csat", "at_most": 3,
    "options": [{"key": "slow", "zh": "慢", "en": "Slow"}, {"key": "rude", "zh": "凶", "en": "Rude"}],
}  # fmt: skip
HOW = {**WHY, "id": "how", "type": "single", "after": None, "at_most": None}
TEXT = {"id": "comment", "type": "text", "zh": "还有吗？", "en": "More?", "is_required": False}


def test_questions_survive_the_database() -> None:
    questions = read_questions([CSAT, WHY, HOW, TEXT, NPS])
    assert read_questions([question.to_json() for question in questions]) == questions


@pytest.mark.parametrize(
    "bad",
    [
        [],
        "nonsense",
        [1],
        [CSAT, CSAT],
        [CSAT, {**CSAT, "id": "again"}],
        [{**CSAT, "type": "stars"}],
        [{**CSAT, "id": "Bad Id"}],
        [{**CSAT, "en": ""}],
        [{**CSAT, "zh": "长" * 301}],
        [{**HOW, "options": []}],
        [{**HOW, "options": [HOW["options"][0]]}],
        [{**HOW, "options": [HOW["options"][0]] * 2}],
        [{**HOW, "options": [{"key": "a", "zh": "甲", "en": ""}, {"key": "b", "zh": "乙", "en": "B"}]}],
        [WHY],
        [WHY, CSAT],
        [CSAT, {**WHY, "at_most": 9}],
        [CSAT, {**WHY, "at_most": None}],
        [TEXT, {**WHY, "after": "comment"}],
        [{**TEXT, "id": f"t{n}"} for n in range(21)],
        [{**TEXT, "id": f"t{n}", "is_required": True} for n in range(12)],
    ],
)
def test_what_cannot_be_asked_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidInput):
        read_questions(bad)


def test_estimate_grows_with_questions_and_halves_conditional_ones() -> None:
    alone = estimate_seconds(read_questions([CSAT, NPS]))
    always = estimate_seconds(read_questions([CSAT, NPS, {**WHY, "after": None}]))
    sometimes = estimate_seconds(read_questions([CSAT, NPS, WHY]))
    assert alone < sometimes < always


@pytest.mark.parametrize(
    ("zh", "en", "count"),
    [
        ("您满意吗？", "Are you satisfied?", 0),
        ("您对速度和态度满意吗？", "Speed?", 1),
        ("速度怎么样？", "Are you happy with price and speed?", 1),
        ("您不觉得我们很棒吗？", "Fine?", 1),
        ("怎么样？", "How was our excellent and amazing service?", 2),
    ],
)
def test_doubts(zh: str, en: str, count: int) -> None:
    assert len(doubts_about(Question("q", "csat", zh, en))) == count


def ask(posted: dict[str, list[str]], **more: Any) -> Any:
    return read_answers(read_questions([CSAT, WHY, NPS, TEXT]), lambda name: posted.get(name, []), **more)


def test_branch_follows_the_answer() -> None:
    low = {"csat": ["2"], "why": ["slow"], "nps": ["0"]}
    assert ask(low) == ({"csat": 2, "why": ["slow"], "nps": 0}, {})
    assert ask(low | {"csat": ["4"]}) == ({"csat": 4, "nps": 0}, {})
    answers, faults = ask({"csat": ["3"], "nps": ["10"]})
    assert (answers, list(faults)) == ({"csat": 3, "nps": 10}, ["why"])


def test_branch_of_a_branch_needs_both() -> None:
    chain = [
        CSAT,
        {**CSAT, "id": "ces", "type": "ces", "after": "csat", "at_most": 3},
        {**WHY, "after": "ces", "at_most": 2},
    ]
    questions = read_questions(chain)
    posted = {"csat": ["5"], "ces": ["1"], "why": ["slow"]}
    assert read_answers(questions, lambda name: posted.get(name, []))[0] == {"csat": 5}


def test_saving_as_it_goes_misses_nothing() -> None:
    assert ask({"comment": [" 一半 "]}, only_given=True) == ({"comment": "一半"}, {})


@pytest.mark.parametrize("why", [["rude", "x"], ["x"], ["slow", "slow", ""]])
def test_unknown_choices_are_refused(why: list[str]) -> None:
    answers, faults = ask({"csat": ["1"], "why": why, "nps": ["5"]})
    assert ("why" in faults) is (why != ["slow", "slow", ""])
    assert answers["csat"] == 1


def test_too_long_words_are_refused() -> None:
    assert list(ask({"csat": ["5"], "nps": ["5"], "comment": ["长" * 2001]})[1]) == ["comment"]


@given(
    st.dictionaries(
        st.sampled_from(["csat", "why", "nps", "comment", "other"]), st.lists(st.text(max_size=20), max_size=4)
    )
)
def test_any_post_is_read_without_an_accident(posted: dict[str, list[str]]) -> None:
    answers, faults = ask(posted)
    assert not set(answers) & set(faults)
    assert set(answers) <= {"csat", "why", "nps", "comment"}
    assert answers.get("csat", 1) in range(1, 6)
    assert answers.get("nps", 0) in range(11)
    assert check_questions(read_questions([CSAT, WHY, NPS, TEXT])) == []
