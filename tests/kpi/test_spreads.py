"""A percentile is one number, whether it is read from the facts or from the histogram, on the figure or its chart."""

import math
import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from core.events import record_many
from kpi.folds.rollups import BUCKET_BASE
from kpi.periods import period_of
from kpi.selectors import Filters, figures
from kpi.selectors.spreads import quantile
from kpi.services import advance_folds
from tests.kpi.test_folds import START, life_of


def cont(values: list[float], share: float) -> float:
    """What PostgreSQL's percentile_cont returns."""
    ordered, place = sorted(values), share * (len(values) - 1)
    lower, upper = ordered[math.floor(place)], ordered[math.ceil(place)]
    return lower + (upper - lower) * (place - math.floor(place))


@given(st.lists(st.floats(1, 10**7), min_size=1, max_size=60), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_the_histogram_says_what_the_values_say_within_a_hundredth(values, share):
    histogram = Counter(1 + math.floor(math.log(value) / math.log(BUCKET_BASE)) for value in values)
    assert quantile(histogram, share) == pytest.approx(cont(values, share), rel=0.0101)


def test_less_than_a_second_is_half_of_one():
    assert quantile({0: 3}, 0.9) == 0.5
    assert quantile({0: 1, 1: 1}, 0.5) == pytest.approx((0.5 + BUCKET_BASE**0.5) / 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["first_response_time", "resolution_time"])
def test_the_charts_last_days_are_the_days_figures(key):
    dice = random.Random(5)
    with transaction.atomic():
        record_many([f for pk in range(1, 60) for f in life_of(pk, dice)], origin="live", untrusted=False)
    advance_folds(at=START + timedelta(days=30))
    filled = 0
    for offset in range(10):
        day = (START + timedelta(days=offset)).date()
        figure = figures([key], period_of("day", day), Filters())[key]
        assert figure.series[-1] == (day, figure.value, figure.n)
        assert figure.series[-2][1] == figure.previous
        filled += figure.n > 1
    assert filled
