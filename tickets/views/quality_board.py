"""Quality in figures for supervisors and reviewers: every number opens the reviews it counts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, staff_page, team_scope
from accounts.selectors import active_teams, staff_names
from core.http import render_page
from core.snapshot import one_snapshot
from tickets.forms.quality import whole
from tickets.quality_enums import Rule
from tickets.quality_periods import local_day, midnight, period_start
from tickets.quality_permissions import reviews_visible_to
from tickets.selectors.quality import rule_precision
from tickets.selectors.quality_figures import MOST_ROWS, by_agent, by_criterion, by_week, counted, overall, rows_behind
from tickets.views.quality_shared import language

BOARD, ROWS = "tickets/quality/board.html", "tickets/quality/rows.html"
SPANS = (4, 13, 26)
_KEY = re.compile(r"[a-z0-9-]{1,24}")


def _asked(request: StaffRequest) -> tuple[Any, dict[str, str]]:
    """Return the reviews asked for and the query that asks for them: weeks, team, agent."""
    query: dict[str, str] = {}
    weeks = whole(request.GET.get("weeks", "")) or SPANS[1]
    weeks = weeks if weeks in SPANS else SPANS[1]
    query["weeks"] = str(weeks)
    now = timezone.now()
    monday = period_start("week", local_day(now))
    rows = counted(reviews_visible_to(request.user), midnight(monday - timedelta(weeks=weeks - 1)), now)
    for name, field in (("team", "team_id"), ("agent", "agent_id")):
        value = whole(request.GET.get(name, ""))
        if value is not None:
            rows, query[name] = rows.filter(**{field: value}), str(value)
    return rows, query


def _rows_url(query: dict[str, str], **more: str) -> str:
    return f"{reverse('tickets:quality_rows')}?{urlencode({**query, **more})}"


@staff_page(Permission.QUALITY_REVIEW)
@require_safe
def board(request: StaffRequest) -> HttpResponse:
    """Show the mean score, who and what it comes from, and how it moves."""
    rows, query = _asked(request)
    with one_snapshot():
        found = overall(rows)
        agents, criteria, weeks = by_agent(rows), by_criterion(rows, language()), by_week(rows)
        precision = rule_precision()
    base = reverse("tickets:quality_board")
    teams = team_scope(request.user)
    context = {
        "figures": found, "query": query, "rows_url": _rows_url(query), "fatal_url": _rows_url(query, fatal="1"),
        "appeals_url": _rows_url(query, appeal="all"), "changed_url": _rows_url(query, appeal="changed"),
        "agents": [(one, f"{base}?{urlencode({**query, 'agent': one.key})}",
                    _rows_url({**query, "agent": str(one.key)})) for one in agents],
        "criteria": [(one, _rows_url(query, criterion=one.key)) for one in criteria],
        "weeks": weeks, "chart": _chart(weeks), "chart_columns": [_("Week from"), _("Score"), _("Reviews")],
        "chart_rows": [[date_format(day, "n/j"), f"{mean:.1f}", n] for day, mean, n in reversed(weeks)],
        "spans": [
            {"label": ngettext("%(n)s week", "%(n)s weeks", n) % {"n": n}, "active": query["weeks"] == str(n),
             "url": f"{base}?{urlencode({**query, 'weeks': n})}"}
            for n in SPANS
        ],
        "teams": [one for one in active_teams() if teams is None or one.pk in teams],
        "agent": staff_names([whole(query.get("agent", ""))]).get(int(query["agent"])) if "agent" in query else "",
        "all_url": f"{base}?{urlencode({k: v for k, v in query.items() if k != 'agent'})}",
        "rules": precision_lines(precision),
    }  # fmt: skip
    return render_page(request, BOARD, context)


def precision_lines(found: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """Return per rule how often it fired and how often reviewers called it a false alarm."""
    lines = []
    for rule in Rule:
        one = found.get(rule.value, {"found": 0, "right": 0, "wrong": 0})
        judged = one["right"] + one["wrong"]
        lines.append(
            {
                "rule": rule, "label": rule.label, "found": one["found"], "judged": judged, "wrong": one["wrong"],
                "alarm": round(100 * one["wrong"] / judged) if judged else None, "is_few": 0 < judged < 10,
            }
        )  # fmt: skip
    return lines


def _chart(weeks: list[Any]) -> dict[str, Any]:
    return {
        "grid": {"left": 36, "right": 12, "top": 24, "bottom": 24},
        "xAxis": {"type": "category", "data": [date_format(day, "n/j") for day, _mean, _n in weeks]},
        "yAxis": {"type": "value", "min": 0, "max": 100},
        "series": [{"type": "line", "data": [round(mean, 1) for _day, mean, _n in weeks], "color": "@accent",
                    "showSymbol": True, "symbolSize": 6}],
        "tooltip": {"trigger": "axis"},
    }  # fmt: skip


@staff_page(Permission.QUALITY_REVIEW)
@require_safe
def rows(request: StaffRequest) -> HttpResponse:
    """Show the reviews behind a number."""
    found, query = _asked(request)
    criterion = request.GET.get("criterion", "")
    criterion = criterion if _KEY.fullmatch(criterion) else ""
    appeal = request.GET.get("appeal", "")
    appeal = appeal if appeal in {"all", "open", "kept", "changed"} else ""
    reviews = rows_behind(found, criterion=criterion, appeal=appeal, fatal=request.GET.get("fatal") == "1")
    label = ""
    for one in reviews:
        if criterion:
            mark = one.answers.get(criterion, {})
            one.mark, one.remark = mark.get("value"), mark.get("comment", "")
    if criterion:
        label = next((mean.label for mean in by_criterion(found, language()) if mean.key == criterion), criterion)
    context = {
        "reviews": reviews, "criterion": label, "is_cut": len(reviews) == MOST_ROWS,
        "board_url": f"{reverse('tickets:quality_board')}?{urlencode(query)}",
    }  # fmt: skip
    return render_page(request, ROWS, context)
