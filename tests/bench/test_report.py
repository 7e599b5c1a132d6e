"""What a benchmark counts as missed."""

from pathlib import Path

from bench.report import Report, percentile


def report_with(tmp_path: Path, targets: str, **cases: dict[str, float]) -> Report:
    file = tmp_path / "targets.toml"
    file.write_text(targets, encoding="utf-8")
    return Report("inbox", {}, cases=dict(cases), targets_file=file)


def test_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([30.0, 10.0, 20.0], 0.5) == 20.0
    assert percentile(list(map(float, range(1, 101))), 0.95) == 95.0
    assert percentile([7.0], 0.95) == 7.0


def test_missed_names_every_limit_that_is_passed(tmp_path: Path) -> None:
    report = report_with(tmp_path, "[inbox.page]\np95_ms = 40\nmin_n = 300\n", page={"p95_ms": 40.1, "n": 299})
    assert report.missed() == ["page.p95_ms: 40.1 > 40", "page.n: 299 < 300"]


def test_missed_is_empty_at_the_limit(tmp_path: Path) -> None:
    report = report_with(tmp_path, "[inbox.page]\np95_ms = 40\nmin_n = 300\n", page={"p95_ms": 40, "n": 300})
    assert report.missed() == []


def test_missed_counts_a_case_that_is_not_there(tmp_path: Path) -> None:
    report = report_with(tmp_path, "[inbox.page]\nqueries = 12\n")
    assert report.missed() == ["page.queries: not measured"]
    assert report.finish() == 1
