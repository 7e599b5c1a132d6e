"""The supervisor's board: figures for any day, each opening its rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, StaffRequest, has, require, shop_scope, staff_page
from core import ui
from core.actors import Actor
from core.errors import DomainError, NotAllowed, NotFound
from core.http import form_invalid, fragment_or_redirect, render_page
from core.snapshot import one_snapshot
from core.workbooks import workbook_response
from kpi import presenting, services
from kpi.exporting import write_rows
from kpi.live import board_now, filter_choices, names_of
from kpi.metrics import METRICS, Shape
from kpi.metrics.delivery import DELIVERY
from kpi.metrics.phone import PHONE
from kpi.metrics.satisfaction import SATISFACTION
from kpi.metrics.service import SERVICE
from kpi.metrics.solving import SOLVING
from kpi.models import Fact, Target
from kpi.periods import Period, parse_day, period_of, today
from kpi.permissions import sees_carriers
from kpi.selectors import Filters, ages_of, figures, level_moment, rows_behind, with_ages

HEADLINES = ["tickets_opened", "first_response_time", "resolution_time", "satisfaction_score"]
GROUPS = (
    (gettext_lazy("Answering and solving"), SERVICE),
    (gettext_lazy("Staying solved and left to do"), SOLVING),
    (gettext_lazy("Telephone"), PHONE),
    (gettext_lazy("Delivery"), DELIVERY),
    (gettext_lazy("Satisfaction and follow-up"), SATISFACTION),
)
"""How the table of further figures is divided."""
PAGE = 50


@staff_page(Permission.BOARD_VIEW)
@require_safe
def board(request: StaffRequest) -> HttpResponse:
    """Show the figures of a day, week or month, with what is going on now."""
    period, filters, query = _read(request)
    with one_snapshot():
        found = figures(list(METRICS), period, filters, until=today(timezone.now()))
        now, choices = board_now(request.user), filter_choices(request.user)
    context = {
        "period": period,
        "chart_columns": [_("Day"), _("Value"), _("Cases")],
        "is_today": period.first <= today(timezone.now()) <= period.last,
        "headlines": [presenting.headline(found[key], _rows_url(key, period, query)) for key in HEADLINES],
        "groups": [
            {
                "title": title,
                "cards": [
                    presenting.card(found[key], _rows_url(key, period, query) if _may_open(request, key) else "")
                    for key in (metric.key for metric in metrics)
                    if key not in HEADLINES
                ],
            }
            for title, metrics in GROUPS
        ],
        "now": now,
        "query": query,
        "filters": filters,
        "choices": choices,
        "spans": _spans(period, query),
        "sees_carriers": sees_carriers(request.user),
        "previous_url": _board_url(period.previous, query),
        "following_url": _board_url(period.following, query) if period.last < today(timezone.now()) else "",
    }
    return render_page(request, "kpi/board.html", context, fragment="figures")


@staff_page(Permission.BOARD_VIEW)
@require_safe
def rows(request: StaffRequest, metric: str) -> HttpResponse:
    """Show the rows one number counts."""
    _check_opens(request, metric)
    period, filters, query = _read(request)
    with one_snapshot():
        found = figures([metric], period, filters, until=today(timezone.now()))[metric]
        behind, next_url, ages = _page_of_rows(request, metric, period, filters)
        names = names_of(behind)
    context = {
        "metric": METRICS[metric],
        "card": presenting.card(found, ""),
        "period": period,
        "rows": [_row(fact) for fact in behind],
        "ages": list(zip(presenting.age_words(), ages, strict=True)) if ages else [],
        "names": names,
        "next_url": next_url,
        "first_url": _rows_url(metric, period, query) if request.GET.get("before") else "",
        "board_url": _board_url(period, query),
        "export_url": reverse("kpi:export", args=[metric]) + "?" + urlencode({**query, **_period_query(period)}),
        "may_export": request.user.may(Permission.EXPORT),
    }
    return render_page(request, "kpi/rows.html", context)


@staff_page(Permission.BOARD_VIEW)
@require_safe
def export_rows(request: StaffRequest, metric: str) -> HttpResponse:
    """Send the rows as an Excel file in the reader's time zone; text stays text."""
    require(request.user, Permission.EXPORT)
    _check_opens(request, metric)
    period, filters, _query = _read(request)
    book = write_rows(metric, period, filters)
    name = f"{metric}-{period.first}-{period.last}.xlsx"
    return workbook_response(book, name)


def _may_open(request: StaffRequest, metric: str) -> bool:
    need = METRICS[metric].rows_need
    return not need or has(request.user, Permission(need))


def _check_opens(request: StaffRequest, metric: str) -> None:
    if metric not in METRICS:
        raise NotFound
    if not _may_open(request, metric):
        raise NotAllowed


@staff_page(Permission.BOARD_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def targets(request: StaffRequest) -> HttpResponse:
    """Edit the targets; every field carries the version it was shown with."""
    if request.method == "POST":
        metric = request.POST.get("metric", "")
        try:
            services.set_target(
                metric=metric,
                value=_number(request.POST.get("value", "")) * _scale(metric),
                version=int(request.POST.get("version", "0") or 0),
                actor=Actor.staff(request.user),
                at=timezone.now(),
            )
        except (DomainError, ValueError) as error:
            message = error.message if isinstance(error, DomainError) else _("Enter a number of zero or more.")
            context = _targets_context(failed=metric, typed=request.POST.get("value", ""), message=message)
            return form_invalid(request, "kpi/targets.html", context, fragment="targets")
        return fragment_or_redirect(
            request,
            "kpi/targets.html",
            _targets_context(),
            fragment="targets",
            to="kpi:targets",
            message=_("Target saved."),
        )
    return render_page(request, "kpi/targets.html", _targets_context())


def _targets_context(failed: str = "", typed: str = "", message: Any = "") -> dict[str, Any]:
    rows = {row.metric: row for row in Target.objects.all()}
    lines = []
    for metric in METRICS.values():
        if metric.target is None and metric.key not in rows:
            continue
        row = rows.get(metric.key)
        value = row.value if row else metric.target
        lines.append(
            {
                "metric": metric,
                "value": typed if metric.key == failed else f"{(value or 0) / _scale(metric.key):g}",
                "version": row.version if row else 0,
                "default": f"{(metric.target or 0) / _scale(metric.key):g}",
                "unit": pgettext("unit", "hours")
                if metric.unit == "seconds"
                else "%"
                if metric.unit == "percent"
                else _("points"),
                "error": message if metric.key == failed else "",
            }
        )
    return {"lines": lines}


def _scale(metric: str) -> int:
    return 3600 if metric in METRICS and METRICS[metric].unit == "seconds" else 1


def _number(text: str) -> float:
    value = float(text.strip().replace(",", ""))
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError
    return value


def _read(request: StaffRequest) -> tuple[Period, Filters, dict[str, str]]:
    now = timezone.now()
    period = period_of(request.GET.get("span", "day"), parse_day(request.GET.get("day", ""), today(now)))
    scope = shop_scope(request.user)
    query = {name: request.GET[name] for name in ("shop", "team", "channel", "category") if request.GET.get(name)}
    filters = Filters(
        shops=None if scope is None else tuple(scope),
        shop_id=_whole(query.get("shop", "")),
        team_id=_whole(query.get("team", "")),
        channel=query.get("channel", "")[:16],
        category=query.get("category", "")[:40],
    )
    return period, filters, query


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _page_of_rows(
    request: StaffRequest, metric: str, period: Period, filters: Filters
) -> tuple[list[Fact], str, list[int]]:
    """Return a page of rows, where the next begins, and of a level how many there are by age."""
    behind, ages = rows_behind(metric, period.first, period.last, filters), []
    if METRICS[metric].shape is Shape.LEVEL:
        behind = with_ages(behind, level_moment(period.last, timezone.now()))
        ages = ages_of(behind)
    before = _whole(request.GET.get("before", ""))
    if before is not None:
        mark = Fact.objects.filter(pk=before).first()
        if mark is not None:
            behind = behind.filter(Q(at__lt=mark.at) | Q(at=mark.at, id__lt=mark.pk))
    page = list(behind[: PAGE + 1])
    if len(page) <= PAGE:
        return page, "", ages
    query = {**request.GET.dict(), "before": str(page[PAGE - 1].pk)}
    return page[:PAGE], f"?{urlencode(query)}", ages


def _row(fact: Fact) -> dict[str, Any]:
    metric = METRICS[fact.metric]
    if metric.shape is Shape.LEVEL:
        value = str(ui.duration(float(fact.age)))  # type: ignore[attr-defined]
    elif fact.value is not None:
        value = presenting.words(metric, float(fact.value)) if metric.unit == "seconds" else f"{fact.value:g}"
    else:
        value = {0: _("no"), 1: _("yes")}.get(int(fact.numerator), "") if metric.unit == "percent" else ""
    return {"fact": fact, "value": value}


def _period_query(period: Period) -> dict[str, str]:
    return {"span": period.span, "day": period.first.isoformat()}


def _board_url(period: Period, query: dict[str, str]) -> str:
    return f"{reverse('kpi:board')}?{urlencode({**_period_query(period), **query})}"


def _rows_url(metric: str, period: Period, query: dict[str, str]) -> str:
    return f"{reverse('kpi:rows', args=[metric])}?{urlencode({**_period_query(period), **query})}"


def _spans(period: Period, query: dict[str, str]) -> list[dict[str, Any]]:
    day = min(period.last, today(timezone.now()))
    names = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
    return [
        {
            "key": span,
            "label": label,
            "url": _board_url(period_of(span, max(day, period.first) if span == "day" else day), query),
            "active": span == period.span,
        }
        for span, label in names.items()
    ]
