"""Settings pages: public holidays, as published and as the company sees them."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.actors import Actor
from core.calendar import selectors, services
from core.calendar.forms import HolidayForm, problems_of
from core.calendar.views import CONFIRM_PAGE, PERMISSION, shown_first
from core.calendar.words import weekday_name
from core.errors import InvalidInput
from core.http import form_invalid, render_page
from core.http.doors import staff_only

HOLIDAY_PAGE = "settings/calendar_holidays.html"


@staff_only(PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def holiday_list(request: HttpRequest) -> HttpResponse:
    """Show a year's public holidays; POST says what one date is for us, once its effect on running clocks was shown."""
    form = HolidayForm(request.POST or None)
    shown = None
    if request.method == "POST" and form.is_valid():
        change = partial(services.set_holiday, actor=Actor.staff(request.user), at=timezone.now(), **form.cleaned_data)
        try:
            shown = shown_first(request, change)
            if shown is None:
                day = change()
                messages.success(request, _("Saved. It stays as you set it, also after the next update."))
                return HttpResponseRedirect(f"{reverse('core:holidays')}?year={day.on.year}")
        except InvalidInput as error:
            problems_of(form, error.fields)
    context = _year_context(request) | {"form": form}
    if form.is_bound and not shown:
        return form_invalid(request, HOLIDAY_PAGE, context)
    return render_page(request, HOLIDAY_PAGE, context | (shown or {}))


def _year_context(request: HttpRequest) -> dict[str, Any]:
    years = selectors.holiday_years("CN")
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isdecimal() and int(asked) in years else timezone.now().year
    days = list(selectors.holidays_of("CN", year))
    return {
        "days": [
            {"day": day, "follows": "" if day.follows_weekday is None else weekday_name(day.follows_weekday)}
            for day in days
        ],
        "year": year,
        "years": years,
        "estimated": sum(day.source == "estimated" for day in days),
    }


@staff_only(PERMISSION)
@require_POST
def holidays_refresh(request: HttpRequest) -> HttpResponse:
    """Fetch what this version of the product knows about this and the next year."""
    now = timezone.now()
    refresh = partial(
        services.refresh_holidays, years=[now.year, now.year + 1], actor=Actor.staff(request.user), at=now
    )
    if shown := shown_first(request, refresh):
        return _confirm(request, shown, _("Bring the public holidays up to date?"), _("Bring up to date"))
    done = refresh()
    changed = done.added + done.changed + done.removed
    messages.success(
        request,
        _("%(count)s days brought up to date.") % {"count": changed} if changed else _("Everything is up to date."),
    )
    return HttpResponseRedirect(reverse("core:holidays"))


@staff_only(PERMISSION)
@require_POST
def holiday_restore(request: HttpRequest, holiday_id: int) -> HttpResponse:
    """Take the published day instead of our own."""
    restore = partial(
        services.restore_holiday, holiday_id=holiday_id, actor=Actor.staff(request.user), at=timezone.now()
    )
    if shown := shown_first(request, restore):
        return _confirm(request, shown, _("Take the day as published?"), _("As published"))
    restore()
    messages.success(request, _("The date is as published again."))
    return HttpResponseRedirect(reverse("core:holidays"))


def _confirm(request: HttpRequest, shown: dict[str, Any], title: str, do: str) -> HttpResponse:
    words = {"title": title, "do": do, "back_url": reverse("core:holidays")}
    return render_page(request, CONFIRM_PAGE, shown | words)
