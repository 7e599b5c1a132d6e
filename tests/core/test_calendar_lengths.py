"""Lengths of time as people type them, and read back."""

from contextlib import suppress

import pytest
from django import forms
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from core.calendar.lengths import BadLength, LengthField, minutes_name, parse_minutes


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2 小时", 120), ("48h", 2880), ("1 天 4 小时", 1680), ("1天4小时30分", 1710), ("30 min", 30), ("90分钟", 90),
        ("1.5 h", 90), ("半小时", 30), ("一个半小时", 90), ("两天半", 3600), ("2个小时", 120), ("十二小时", 720),
        ("二十四小时", 1440), ("一小时零五分", 65), ("1 day, 4 hours and 5 minutes", 1685), ("1w", 10080),
        ("２小时３０分", 150), ("  2H30M ", 150), ("3 days", 4320), ("1 星期", 10080), ("半天", 720),
    ],
)  # fmt: skip
def test_people_write_lengths_in_many_ways(text, minutes):
    assert parse_minutes(text) == minutes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "小时",
        "2",
        "2 小时 3",
        "4 小时 1 天",
        "2 h 2 h",
        "0.001 h",
        "-2 h",
        "2 hx",
        "2 马",
        "十十小时",
        "1:30",
    ],
)
def test_what_is_no_length_is_refused(text):
    with pytest.raises(BadLength) as refused:
        parse_minutes(text)
    assert refused.value.is_bare is (text == "2")


@given(st.integers(1, 60 * 24 * 400))
def test_what_is_read_can_be_typed_again(minutes):
    for language in ("zh-hans", "en"):
        with translation.override(language):
            assert parse_minutes(minutes_name(minutes)) == minutes


@given(st.text(alphabet="0123456789.零一二两十半个天小时分钟hdmw ,x", max_size=70))
def test_no_text_breaks_the_reader(text):
    with suppress(BadLength):
        assert parse_minutes(text) >= 0


class Typed(forms.Form):
    length = LengthField(max_minutes=60 * 48, required=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("120", "请写上单位，例如 2 小时、30 分钟。"),
        ("很快", "请写成时长，例如 2 小时、30 分钟、1 天 4 小时。"),
        ("3 天", "请填 1 分钟 到 48 小时 之间的时长。"),
        ("0 分钟", "请填 1 分钟 到 48 小时 之间的时长。"),
    ],
)
def test_a_refusal_says_what_to_write(text, words):
    with translation.override("zh-hans"):
        form = Typed({"length": text})
        assert form.errors["length"] == [words]
        assert f'value="{text}"' in str(form["length"])  # what was typed stays


def test_the_field_keeps_minutes_and_shows_words():
    form = Typed({"length": "1 天 4 小时"})
    assert form.is_valid()
    assert form.cleaned_data == {"length": 1680}
    assert Typed({"length": ""}).is_valid()
    with translation.override("zh-hans"):
        assert 'value="28 小时"' in str(Typed(initial={"length": 1680})["length"])
