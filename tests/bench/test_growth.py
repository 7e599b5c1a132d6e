"""Growth compares pages that show as much."""

import pytest

from bench.desk.places import FEW_ALIKE, Samples, figures
from bench.harness import Visit


def samples(*visits: tuple[float, int]) -> Samples:
    made = Samples()
    for took, length in visits:
        made.add(Visit(200, "x" * length, took, 1.0, 5, took), 1.0)
    return made


def test_pages_of_another_length_are_not_compared() -> None:
    at = samples(*[(12.0, 1000)] * FEW_ALIKE, *[(40.0, 5000)] * 100)
    beside = samples(*[(10.0, 950)] * FEW_ALIKE, *[(10.0, 1000)] * 100)
    found = figures(at, beside)
    assert (found["growth"], found["growth_all"], found["alike"]) == (1.2, 4.0, FEW_ALIKE)


@pytest.mark.parametrize("alike", [0, FEW_ALIKE - 1])
def test_too_few_pages_alike_say_nothing(alike: int) -> None:
    at, beside = samples(*[(20.0, 1000)] * alike, *[(20.0, 5000)] * 40), samples(*[(10.0, 1000)] * (alike + 40))
    found = figures(at, beside)
    assert (found["growth"], found["alike"]) == (2.0, alike)
