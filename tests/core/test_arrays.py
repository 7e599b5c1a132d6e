"""Arrays written as text are read back by PostgreSQL as what they were."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.arrays import array_of, text_array_of

pytestmark = pytest.mark.django_db


def read(kind, literal):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal])  # allowed: our own words
        return cursor.fetchone()[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_texts_come_back_whatever_signs_they_hold(texts):
    assert read("text", text_array_of(texts)) == texts


def test_words_that_mean_something_in_an_array_stay_words():
    texts = ["NULL", "", "{}", 'a"b', "\\", "a,b", " x ", "快递"]
    assert read("text", text_array_of(texts)) == texts


def test_numbers_times_truth_values_and_nothing_come_back():
    here = datetime(2026, 11, 1, 8, 30, 0, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert read("bigint", array_of([1, -(2**62), None])) == [1, -(2**62), None]
    assert read("boolean", array_of([True, None, False])) == [True, None, False]
    assert read("timestamptz", array_of([here, None, datetime(2026, 1, 1, tzinfo=UTC)])) == [
        here, None, datetime(2026, 1, 1, tzinfo=UTC),
    ]  # fmt: skip
    assert read("bigint", array_of([])) == []
