"""The front door and the settings hub."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from core.models import Company
from core.registry import SETTINGS_GROUPS, SETTINGS_PAGES, front_links


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Show customers the ways in; staff go to the desk, an empty installation to its first-run wizard."""
    company = Company.objects.filter(pk=1).first()
    if company is None or company.set_up_at is None:
        return redirect("welcome")
    user: Any = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return redirect("/desk/")
    links = front_links()
    return render(request, "core/front.html", {"company": company, "links": links})


@require_safe
def settings_hub(request: Any) -> HttpResponse:
    """List the settings pages the reader may open, under headings."""
    pages = [
        page
        for page in sorted(SETTINGS_PAGES.values(), key=lambda one: one.order)
        if not page.permission or request.user.may(page.permission)
    ]
    groups = [(label, [page for page in pages if page.group == key]) for key, label in SETTINGS_GROUPS.items()]
    return render(request, "core/settings.html", {"groups": [group for group in groups if group[1]]})
