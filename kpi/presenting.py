"""Put figures into words and charts."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core import ui
from kpi.metrics import Metric, Shape, Stat
from kpi.selectors import Figure

NEITHER_WAY = {
    "tickets_opened", "tickets_resolved", "calls_answered", "call_talk_time", "call_handling_time", "handle_time",
}  # fmt: skip
"""Figures of which neither more nor less is good in itself."""
COUNTED = frozenset({Shape.COUNT, Shape.LEVEL})
PLACES = {"count": 0, "percent": 1, "points": 1, "score": 1}


def words(metric: Metric, value: float | None) -> str:
    """Return a value in its unit as people read it; an em dash when there is no data."""
    if value is None:
        return "–"
    if metric.unit == "seconds":
        return str(ui.duration(value))
    if metric.unit == "count":
        return str(ui.count(int(value)))
    text = number_format(round(value, PLACES[metric.unit]), PLACES[metric.unit])  # alone it would cut off, not round
    return f"{text}%" if metric.unit == "percent" else text


def card(figure: Figure, url: str) -> dict[str, Any]:
    """Return what the board shows of one figure."""
    metric = figure.metric
    return {
        "metric": metric,
        "label": metric.name,
        "value": words(metric, figure.value),
        "target": words(metric, figure.target) if figure.target is not None else "",
        "state": figure.state,
        "delta": _delta(figure),
        "delta_tone": _delta_tone(figure),
        "n": figure.n,
        "is_count": metric.shape in COUNTED,
        "mean": words(metric, figure.mean) if metric.shape is Shape.DURATION else "",
        "p50": words(metric, figure.p50) if metric.shape is Shape.DURATION else "",
        "p90": words(metric, figure.p90) if metric.shape is Shape.DURATION else "",
        "trend": [value for _day, value, _n in figure.series],
        "url": url,
    }


def headline(figure: Figure, url: str) -> dict[str, Any]:
    """Return a card with the chart of the last days and its figures as table rows."""
    name = figure.metric.name
    return {
        **card(figure, url),
        "label": _("%(figure)s, nine in ten within") % {"figure": name} if figure.metric.headline is Stat.P90 else name,
        "chart": chart(figure) if any(value for _day, value, _n in figure.series) else None,
        "rows": [[_short(day), words(figure.metric, value), n] for day, value, n in reversed(figure.series)],
    }


def _short(day: date) -> str:
    """Return month and day as both languages write them in little room; a page has hundreds."""
    return f"{day.month}/{day.day}"


def age_words() -> list[str]:
    """Name the age buckets of a backlog, youngest first."""
    return [
        _("Under 1 day"),
        _("1 to 3 days"),
        _("3 to 7 days"),
        _("7 to 30 days"),
        _("Over 30 days"),
    ]


def _delta(figure: Figure) -> str:
    if figure.value is None or figure.previous is None:
        return ""
    change = figure.value - figure.previous
    if abs(change) < 0.05:
        return _("unchanged")
    amount = words(figure.metric, abs(change))
    return f"{'+' if change > 0 else '−'}{amount}"


def _delta_tone(figure: Figure) -> str:
    if figure.value is None or figure.previous is None or abs(figure.value - figure.previous) < 0.05:
        return "neutral"
    if figure.metric.key in NEITHER_WAY:
        return "neutral"
    better = (figure.value < figure.previous) == figure.metric.is_lower_better
    return "good" if better else "bad"


def chart(figure: Figure) -> dict[str, Any]:
    """Return the ECharts option of the last days: bars for counts (from zero), a line for the rest."""
    metric = figure.metric
    scale = 3600 if metric.unit == "seconds" else 1
    values = [None if value is None else round(value / scale, 2) for _day, value, _n in figure.series]
    bars = metric.shape in COUNTED
    series: dict[str, Any] = {
        "type": "bar" if bars else "line",
        "data": values,
        "color": "@accent",
        "connectNulls": False,
        "showSymbol": True,
        "symbolSize": 5,
        "barMaxWidth": 18,
    }
    if figure.target is not None:
        series["markLine"] = {
            "silent": True,
            "symbol": "none",
            "data": [{"yAxis": figure.target / scale}],
            "lineStyle": {"color": "@good", "type": "dashed"},
            "label": {  # beside the plot: on it, the newest points would cross the words
                "formatter": words(metric, figure.target),
                "position": "end",
                "color": "@good",
                "textBorderWidth": 0,
            },
        }
    unit = pgettext("unit of an axis", "hours") if metric.unit == "seconds" else "%" if metric.unit == "percent" else ""
    return {
        "grid": {"left": 36, "right": 56 if figure.target is not None else 12, "top": 30, "bottom": 24},
        "xAxis": {"type": "category", "data": [_short(day) for day, _v, _n in figure.series]},
        "yAxis": {
            "type": "value",
            "name": unit,
            "min": 0 if bars or scale > 1 else None,
            "minInterval": 1 if bars else 0,
        },
        "series": [series],
        "tooltip": {"trigger": "axis"},
    }
