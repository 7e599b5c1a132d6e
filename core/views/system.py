"""The system page: what is due, what is stuck, and the buttons to mend it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import NotFound
from core.http import fragment_or_redirect, render_page
from core.http.doors import staff_only
from core.jobs import discard_job, replay_job
from core.system.selectors import all_health, quarantined, queue_by_name


def _context(request: Any) -> dict[str, Any]:
    return {
        "health": all_health(),
        "queue": queue_by_name(),
        "quarantine": quarantined(),
        "may_manage": request.user.may("system.manage"),
    }


@staff_only("system.view")
@require_safe
def system(request: Any) -> HttpResponse:
    """Show health, queue and quarantine."""
    return render_page(request, "core/system.html", _context(request), fragment="state")


@staff_only("system.manage")
@require_POST
def replay(request: Any, job_id: int) -> HttpResponse:
    """Give a quarantined job another set of attempts."""
    if not replay_job(job_id=job_id, at=timezone.now()):
        raise NotFound
    return fragment_or_redirect(
        request, "core/system.html", _context(request), fragment="state", to="core:system", message=_("Runs again.")
    )


@staff_only("system.manage")
@require_POST
def discard(request: Any, job_id: int) -> HttpResponse:
    """Close a quarantined job for good."""
    if not discard_job(job_id=job_id, at=timezone.now()):
        raise NotFound
    if not getattr(request, "htmx", False):
        return redirect("core:system")
    return fragment_or_redirect(
        request, "core/system.html", _context(request), fragment="state", to="core:system", message=_("Discarded.")
    )
