"""The archive to take along: ask for it, see it grow, fetch it, throw it away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.errors import Conflict
from core.http import client_ip, form_invalid, render_page
from core.ui import moment_words
from tickets.archive_enums import ArchiveState
from tickets.forms.archives import ArchiveForm
from tickets.models import Archive
from tickets.services import archives as service

PAGE = "tickets/settings/archives.html"
LISTED = 20


@staff_page(Permission.ARCHIVE_EXPORT)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def archives(request: StaffRequest) -> HttpResponse:
    """Take a wish; below, one's own archives and how far they are."""
    form = ArchiveForm(request.POST or None, staff=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            service.ask_archive(wish=form.wish(), staff=request.user, at=timezone.now())
            return HttpResponseRedirect(reverse("tickets:archives"))
        except Conflict as busy:
            form.add_error(None, str(busy.message))
    context = _context(request) | {"form": form}
    if request.method == "POST":
        return form_invalid(request, PAGE, context)
    return render_page(request, PAGE, context, fragment="list")


def _context(request: StaffRequest) -> dict[str, Any]:
    now = timezone.now()
    rows = list(Archive.objects.filter(asked_by=request.user).select_related("shop").order_by("-pk")[:LISTED])
    return {
        "rows": [
            {
                "archive": row,
                "is_ready": row.state == ArchiveState.READY and row.expires_at is not None and row.expires_at > now,
                "key": service.fetch_key(row) if row.state == ArchiveState.READY else "",
                "last_day": row.until - timedelta(seconds=1) if row.until else None,
                "until_words": moment_words(row.expires_at, now=now) if row.expires_at else "",
            }
            for row in rows
        ],
        "writing": next((row for row in rows if row.state == ArchiveState.WRITING), None),
    }


@staff_page(Permission.ARCHIVE_EXPORT)
@require_POST
def cancel(request: StaffRequest, archive_id: int) -> HttpResponse:
    """Call an archive off, or throw it away."""
    service.cancel_archive(archive_id=archive_id, staff=request.user, at=timezone.now())
    messages.success(request, _("The archive is thrown away."))
    return HttpResponseRedirect(reverse("tickets:archives"))


@staff_page(Permission.ARCHIVE_EXPORT)
@never_cache
@require_safe
def download(request: StaffRequest, archive_id: int) -> HttpResponse:
    """Send an archive to whoever asked for it; that it was fetched is written down first."""
    archive, parts, size = service.fetch_archive(
        archive_id=archive_id, key=request.GET.get("key", ""), staff=request.user, at=timezone.now(),
        ip=client_ip(request),
    )  # fmt: skip
    name = f"archive-{timezone.localtime(archive.finished_at):%Y%m%d-%H%M}.zip"
    disposition = content_disposition_header(as_attachment=True, filename=name) or ""
    headers = {"Content-Disposition": disposition, "Content-Length": str(size), "X-Content-Type-Options": "nosniff"}
    if request.method == "HEAD":
        return HttpResponse(content_type="application/zip", headers=headers)
    return StreamingHttpResponse(parts, content_type="application/zip", headers=headers)  # type: ignore[return-value]
