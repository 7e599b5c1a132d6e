"""The carriers' scorecard: a month by carrier, lane or region; every number opens the parcels it counts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, require, staff_page
from core import ui
from core.errors import NotAllowed, NotFound
from core.http import render_page
from core.workbooks import build_workbook, safe_cell, workbook_response
from kpi.models import CarrierMonth
from kpi.periods import parse_day, today
from kpi.permissions import sees_carriers
from kpi.scorecards.cohort import NUMBERS, month_of, next_month
from kpi.scorecards.counting import months_counted
from kpi.scorecards.rating import grade_of, points_of
from kpi.scorecards.rows import parcels_behind
from orders.selectors.carriers import carriers

PAGE = 50
RATES = ("stalled", "lost", "damaged", "returned", "complaints")
TITLES = {
    "parcels": gettext_lazy("Parcels"), "judged": gettext_lazy("Parcels judged"), "on_time": gettext_lazy("On time"),
    "late": gettext_lazy("Late"), "delivered": gettext_lazy("Delivered"), "stalled": gettext_lazy("Stalled"),
    "lost": gettext_lazy("Lost"), "damaged": gettext_lazy("Damaged"), "returned": gettext_lazy("Returned"),
    "complaints": gettext_lazy("Complaints"), "estimates": gettext_lazy("Estimates judged"),
    "inside": gettext_lazy("Arrived within the estimate"),
}  # fmt: skip


@staff_page(Permission.BOARD_VIEW)
@require_safe
def scorecard(request: StaffRequest) -> HttpResponse:
    """Show a month's carriers, or the lanes or regions of one."""
    _check_company(request)
    month, carrier_id, by = _read(request)
    names = _names()
    rows = CarrierMonth.objects.filter(month=month)
    if carrier_id is None:
        rows = rows.filter(lane="", region="").order_by("-parcels", "carrier_id")
    else:
        rows = rows.filter(carrier_id=carrier_id).exclude(**{by: ""}).order_by("-parcels", by)
    lines = [_line(row, names, by if carrier_id else "") for row in rows[:200]]
    following = next_month(month)
    context = {
        "lines": lines,
        "month": month,
        "carrier": names.get(carrier_id, "") if carrier_id else "",
        "by": by,
        "made_at": max((line["row"].made_at for line in lines), default=None),
        "cuts": [
            {"label": label, "url": _url(month, carrier_id, key), "active": key == by}
            for key, label in (("lane", _("By lane")), ("region", _("By region")))
        ]
        if carrier_id
        else [],
        "all_url": _url(month),
        "previous_url": _url(month_of(month - timedelta(days=1)), carrier_id, by),
        "following_url": _url(following, carrier_id, by) if following <= today(timezone.now()) else "",
        "may_export": request.user.may(Permission.EXPORT),
        "export_url": reverse("kpi:carrier_export") + "?" + _query(month, carrier_id, by),
        "has_months": bool(lines) or bool(months_counted()),
    }
    return render_page(request, "kpi/carriers.html", context)


@staff_page(Permission.BOARD_VIEW)
@require_safe
def scorecard_rows(request: StaffRequest) -> HttpResponse:
    """Show the parcels one number counts."""
    _check_company(request)
    month, carrier_id, by = _read(request)
    what = request.GET.get("what", "")
    if what not in NUMBERS or carrier_id is None or carrier_id not in (names := _names()):
        raise NotFound
    lane, region = request.GET.get("lane", "")[:24], request.GET.get("region", "")[:24]
    after = _whole(request.GET.get("after", "")) or 0
    rows = parcels_behind(month, carrier_id, what, lane=lane, region=region, after=after, most=PAGE + 1)
    shown, more = rows[:PAGE], rows[PAGE:]
    query = {**request.GET.dict(), "after": str(shown[-1].parcel_id)} if more else {}
    context = {
        "rows": shown,
        "title": TITLES[what],
        "carrier": names[carrier_id],
        "cut": lane or region,
        "month": month,
        "back_url": _url(month, carrier_id, by) if lane or region else _url(month),
        "next_url": f"?{urlencode(query)}" if more else "",
    }
    return render_page(request, "kpi/carrier_rows.html", context)


@staff_page(Permission.BOARD_VIEW)
@require_safe
def export_scorecard(request: StaffRequest) -> HttpResponse:
    """Send a month's scorecard as an Excel file: all carriers with their lanes and regions."""
    _check_company(request)
    require(request.user, Permission.EXPORT)
    month, _carrier, _by = _read(request)
    book = build_workbook(lambda sheet: _fill(sheet, month))
    return workbook_response(book, f"carriers-{month:%Y-%m}.xlsx")


def _fill(sheet: Any, month: date) -> None:
    titles = [_("Carrier"), _("Lane"), _("Region"), _("Rating"), *(str(TITLES[key]) for key in TITLES if key != "late")]
    titles += [_("Transit, median (h)"), _("Transit, nine in ten (h)"), _("Promised, median (h)"), _("Bias (h)")]
    for column, title in enumerate(titles):
        sheet.write_string(0, column, title)
    names = _names()
    rows = CarrierMonth.objects.filter(month=month).order_by("carrier_id", "lane", "region")
    for line, row in enumerate(rows.iterator(chunk_size=1000), start=1):
        words = [names.get(row.carrier_id, ""), row.lane, row.region, grade_of(points_of(row))]
        for column, text in enumerate(words):
            sheet.write_string(line, column, safe_cell(text))
        values = [getattr(row, key) for key in TITLES if key != "late"]
        values += [row.transit_p50, row.transit_p90, row.promised_p50, row.bias]
        for column, value in enumerate(values, start=len(words)):
            if value is not None:
                sheet.write_number(line, column, round(float(value), 2))


def _line(row: CarrierMonth, names: dict[int, str], by: str) -> dict[str, Any]:
    """Return a row in words, each number with the address of its parcels."""
    points = points_of(row)
    cut = {name: getattr(row, name) for name in ("lane", "region") if getattr(row, name)}

    def url(what: str) -> str:
        query = {"month": f"{row.month:%Y-%m-%d}", "carrier": row.carrier_id, "what": what, "by": by or "lane", **cut}
        return f"{reverse('kpi:carrier_rows')}?{urlencode(query)}"

    return {
        "row": row,
        "name": getattr(row, by) if by else names.get(row.carrier_id, ""),
        "open_url": "" if by else _url(row.month, row.carrier_id, "lane"),
        "grade": grade_of(points),
        "points": "" if points is None else number_format(round(points), 0),
        "on_time": _share(row.on_time, row.judged),
        "state": "" if not row.judged else "good" if row.on_time >= 0.98 * row.judged else "bad",
        "parcels_url": url("parcels"),
        "on_time_url": url("late"),
        "p50": _hours(row.transit_p50),
        "p90": _hours(row.transit_p90),
        "promised": _hours(row.promised_p50),
        "rates": [
            {"label": TITLES[key], "value": _share(getattr(row, key), row.parcels), "url": url(key)} for key in RATES
        ],
        "inside": _share(row.inside, row.estimates),
        "inside_url": url("estimates"),
        "bias": _bias(row.bias),
    }


def _share(part: int, whole: int) -> str:
    return f"{number_format(round(100 * part / whole, 1), 1)}%" if whole else "–"


def _hours(hours: float | None) -> str:
    return "–" if hours is None else str(ui.duration(hours * 3600))


def _bias(hours: float | None) -> str:
    if hours is None:
        return "–"
    amount = str(ui.duration(abs(hours) * 3600))
    if abs(hours) < 0.5:
        return pgettext("estimate", "none")
    return (_("%(time)s later") if hours > 0 else _("%(time)s earlier")) % {"time": amount}


def _check_company(request: StaffRequest) -> None:
    """A carrier is judged by all shops' parcels: whoever sees some shops only does not see it."""
    if not sees_carriers(request.user):
        raise NotAllowed


def _read(request: StaffRequest) -> tuple[date, int | None, str]:
    text = request.GET.get("month", "")
    text = f"{text}-01" if len(text) == 7 else text
    month = month_of(parse_day(text, today(timezone.now())))
    by = "region" if request.GET.get("by") == "region" else "lane"
    return month, _whole(request.GET.get("carrier", "")), by


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _names() -> dict[int, str]:
    return {one.pk: one.display_name for one in carriers()}


def _query(month: date, carrier_id: int | None = None, by: str = "") -> str:
    query = {"month": f"{month:%Y-%m}"} | ({"carrier": str(carrier_id), "by": by or "lane"} if carrier_id else {})
    return urlencode(query)


def _url(month: date, carrier_id: int | None = None, by: str = "") -> str:
    return f"{reverse('kpi:carriers')}?{_query(month, carrier_id, by)}"
