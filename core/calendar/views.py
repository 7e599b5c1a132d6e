"""Settings pages: calendars with their dated exceptions, and a deadline to try."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.calendar import selectors, services
from core.calendar.arithmetic import DeadlineUnreachable
from core.calendar.business import BusinessCalendar, Window
from core.calendar.explaining import explain
from core.calendar.forms import CalendarForm, ExceptionForm, TrialForm, problems_of
from core.calendar.impact import effects_of, rehearse_change
from core.calendar.models import CalendarDefinition
from core.calendar.words import length_name, lines_of, weekday_name
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, mark_of, render_page, was_seen
from core.http.doors import staff_only

PERMISSION = "settings.manage"
EDIT_PAGE = "settings/calendar_edit.html"
CONFIRM_PAGE = "settings/calendar_confirm.html"
USUAL_HOURS = 8
FIRST_WEEK = [[["09:00", "18:00"]]] * 5 + [[], []]


@staff_only(PERMISSION)
@require_safe
def calendar_list(request: HttpRequest) -> HttpResponse:
    """List the calendars with their week in a line."""
    rows = [{"calendar": row, "week": _week_lines(row)} for row in selectors.calendars()]
    return render_page(request, "settings/calendar_list.html", {"rows": rows})


@staff_only(PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_new(request: HttpRequest) -> HttpResponse:
    """Make a calendar."""
    initial = {"timezone": timezone.get_default_timezone_name(), "follows_holidays": True}
    return _edit(request, None, initial | _days(FIRST_WEEK))


@staff_only(PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_edit(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Show and save a calendar; what a change would do to running clocks is shown before it is saved."""
    row = selectors.get_calendar(calendar_id)
    return _edit(request, row, _initial_of(row))


def _edit(request: HttpRequest, row: CalendarDefinition | None, initial: dict[str, Any]) -> HttpResponse:
    form = CalendarForm(request.POST or None, initial=initial)
    context: dict[str, Any] = {"form": form, "calendar": row}
    if request.method == "POST" and form.is_valid():
        save = partial(
            services.save_calendar,
            values=form.values(),
            calendar_id=row.pk if row else None,
            version=form.cleaned_data["version"],
            actor=_actor(request),
            at=timezone.now(),
        )
        try:
            if shown := shown_first(request, save):
                return render_page(request, EDIT_PAGE, context | _page(request, row, form) | shown)
            saved = save()
        except StaleEdit as error:
            typed = request.POST.copy()  # what was typed stays; saving again is then on top of the newer version
            typed["version"] = str(selectors.get_calendar(row.pk).version) if row else ""
            form.data = typed
            stale = context | _page(request, row) | {"stale": _stale_lines(error)}
            return render_page(request, EDIT_PAGE, stale, status=409)
        except InvalidInput as error:
            problems_of(form, _by_form_field(error.fields))
        else:
            messages.success(request, _("Saved. Running clocks follow the new hours."))
            return HttpResponseRedirect(reverse("core:calendar_edit", args=[saved.pk]))
    context |= _page(request, row)
    return form_invalid(request, EDIT_PAGE, context) if form.is_bound else render_page(request, EDIT_PAGE, context)


@staff_only(PERMISSION)
@require_POST
def exception_add(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Let one date differ, once what that does to running clocks was shown."""
    row = selectors.get_calendar(calendar_id)
    form = ExceptionForm(request.POST)
    if form.is_valid():
        add = partial(
            services.add_exception, calendar_id=row.pk, actor=_actor(request), at=timezone.now(), **form.values()
        )
        try:
            if shown := shown_first(request, add):
                context = {"form": CalendarForm(initial=_initial_of(row)), "calendar": row} | _page(request, row)
                return render_page(request, EDIT_PAGE, context | {"exception_form": form, "exception_effect": shown})
            add()
        except InvalidInput as error:
            problems_of(form, error.fields)
        else:
            messages.success(request, _("The date is in the calendar."))
            return HttpResponseRedirect(reverse("core:calendar_edit", args=[row.pk]))
    context = {"form": CalendarForm(initial=_initial_of(row)), "calendar": row}
    context |= _page(request, row) | {"exception_form": form}
    return form_invalid(request, EDIT_PAGE, context)


@staff_only(PERMISSION)
@require_POST
def exception_remove(request: HttpRequest, exception_id: int) -> HttpResponse:
    """Let a date be ordinary again, once what that does to running clocks was shown."""
    remove = partial(services.remove_exception, exception_id=exception_id, actor=_actor(request), at=timezone.now())
    if shown := shown_first(request, remove):
        words = {"title": _("Let the date be ordinary again?"), "do": _("Remove")}
        words["back_url"] = reverse("core:calendars")
        return render_page(request, CONFIRM_PAGE, shown | words)
    row = remove()
    messages.success(request, _("The date is as usual again."))
    return HttpResponseRedirect(reverse("core:calendar_edit", args=[row.pk]))


def _page(request: HttpRequest, row: CalendarDefinition | None, edited: CalendarForm | None = None) -> dict[str, Any]:
    """Return exceptions and the deadline tried, under the saved hours and, for a preview, under the typed ones."""
    now = timezone.now()
    saved = selectors.load_calendar(row.pk) if row else None
    local = now.astimezone(saved.zone if saved else None)
    source = request.POST if edited is not None else request.GET
    asked = TrialForm(source if source.get("hours") else {"start": f"{local:%Y-%m-%dT%H:%M}", "hours": USUAL_HOURS})
    context: dict[str, Any] = {"trial_form": asked, "exception_form": ExceptionForm(), "now": now}
    if row is not None:
        context["exceptions"] = [
            {"row": one, "hours": ", ".join(str(Window.parse(*pair)) for pair in one.windows),
             "follows": _weekday(one.follows_weekday)}
            for one in selectors.exceptions_from(row, local.date() - timedelta(days=31))
        ]  # fmt: skip
    if not asked.is_valid():
        return context
    start: datetime = asked.cleaned_data["start"].replace(tzinfo=None)
    if saved is not None:
        context["trial"] = _tried(saved, start, asked.target)
    if edited is not None:
        context["previewed"] = _tried(_unsaved(row, edited), start, asked.target)
    return context


def shown_first(request: HttpRequest, change: Callable[[], object]) -> dict[str, Any] | None:
    """Return what a page shows before a change is made: asked for, or because running deadlines would move.

    None when exactly this was shown already, or nothing moves. Raises what the change raises.
    """
    is_asked = "preview" in request.POST
    if not is_asked and was_seen(request):
        return None
    effects = effects_of(rehearse_change(change), at=timezone.now())
    if not is_asked and not any(one.moved for one in effects):
        return None
    return {"impacts": [one.html for one in effects], "seen": mark_of(request), "is_held_back": not is_asked}


def _unsaved(row: CalendarDefinition | None, form: CalendarForm) -> BusinessCalendar:
    values = form.values()
    draft = CalendarDefinition(
        name=values.name,
        timezone=values.timezone,
        weekly=values.weekly,
        holidays_country=values.holidays_country,
    )
    return selectors.build_calendar(draft, row.exceptions.all() if row else ())


def _tried(calendar: BusinessCalendar, wall: datetime, target: timedelta) -> dict[str, Any]:
    start = wall.replace(tzinfo=calendar.zone)
    try:
        explanation = explain(calendar, start, target=target)
    except DeadlineUnreachable:
        return {"lines": [_("With these hours it would not be due within ten years.")]}
    return {"lines": lines_of(explanation), "plain": length_name(explanation.plain)}


def _initial_of(row: CalendarDefinition) -> dict[str, Any]:
    return {
        "version": row.version,
        "name": row.name,
        "timezone": row.timezone,
        "follows_holidays": bool(row.holidays_country),
        "is_default": row.is_default,
    } | _days(row.weekly)


def _days(weekly: list[list[list[str]]]) -> dict[str, Any]:
    return {f"day_{weekday}": pairs for weekday, pairs in enumerate(weekly)}


def _by_form_field(fields: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {"follows_holidays" if name == "holidays_country" else name: said for name, said in fields.items()}


def _week_lines(row: CalendarDefinition) -> list[str]:
    """Return the week as lines of days with the same hours: Mon–Fri 09:00–18:00."""
    lines: list[str] = []
    first = 0
    for weekday in range(1, 8):
        if weekday < 7 and row.weekly[weekday] == row.weekly[first]:
            continue
        hours = ", ".join(str(Window.parse(*pair)) for pair in row.weekly[first])
        if hours:
            days = weekday_name(first) if first == weekday - 1 else f"{weekday_name(first)}–{weekday_name(weekday - 1)}"
            lines.append(f"{days} {hours}")
        first = weekday
    return lines


def _stale_lines(error: StaleEdit) -> list[tuple[str, str]]:
    names = {
        "name": _("Name"),
        "timezone": _("Time zone"),
        "weekly": _("Weekly hours"),
        "holidays_country": _("Public holidays"),
        "is_default": _("Default calendar"),
    }
    lines = []
    for change in error.changes:
        theirs = change["theirs"]
        if change["field"] == "weekly":
            theirs = "; ".join(_week_lines(CalendarDefinition(weekly=theirs)))
        elif change["field"] in {"holidays_country", "is_default"}:
            theirs = _("yes") if theirs else _("no")
        lines.append((names[change["field"]], str(theirs)))
    return lines


def _weekday(weekday: int | None) -> str:
    return "" if weekday is None else weekday_name(weekday)


def _actor(request: HttpRequest) -> Actor:
    return Actor.staff(request.user)
