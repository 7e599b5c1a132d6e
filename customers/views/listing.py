"""The list of customers, and the same list as a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, has, require, staff_page
from accounts.services import record_access
from core.actors import Actor
from core.http import client_ip, render_page
from core.workbooks import workbook_response
from customers.enums import Tier
from customers.exporting import PERSONAL_FIELDS, is_large, write_csv, write_workbook
from customers.selectors.listing import contacts_of, customers_listed

PAGE = 40
FILTERS = ("q", "tier", "tag")


def _kept(request: StaffRequest) -> dict[str, str]:
    return {name: value[:80] for name in FILTERS if (value := request.GET.get(name, "").strip())}


def _rows(kept: dict[str, str]) -> Any:
    return customers_listed(words=kept.get("q", ""), tier=kept.get("tier", ""), tag=kept.get("tag", ""))


@staff_page(Permission.CUSTOMER_VIEW)
@require_safe
def customer_list(request: StaffRequest) -> HttpResponse:
    """List customers, the newest first, masked; by contact or name, tier and tag."""
    kept, before = _kept(request), request.GET.get("before", "")
    rows = _rows(kept)
    if before.isdecimal() and len(before) < 18:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE + 1])
    shown = found[:PAGE]
    contacts = contacts_of(shown)
    context = {
        "rows": [{"customer": one, "contacts": contacts.get(one.pk, [])[:3]} for one in shown],
        "kept": kept,
        "tiers": Tier.choices,
        "next_url": f"?{urlencode(kept | {'before': str(shown[-1].pk)})}" if len(found) > PAGE else "",
        "export_url": f"{reverse('customers:export')}?{urlencode(kept)}"
        if has(request.user, Permission.EXPORT)
        else "",
        "may_merge": has(request.user, Permission.CUSTOMER_MERGE),
    }
    return render_page(request, "customers/list.html", context)


@staff_page(Permission.EXPORT)
@never_cache
@require_safe
def export(request: StaffRequest) -> HttpResponse:
    """Send the customers of the list with its filters; who took them out, unmasked or not, is written down first."""
    require(request.user, Permission.CUSTOMER_VIEW)
    rows, now, whole = _rows(_kept(request)), timezone.now(), has(request.user, Permission.PII_REVEAL)
    record_access(
        actor=Actor.staff(request.user),
        subject_type="customer_list",
        subject_id=0,
        fields=PERSONAL_FIELDS if whole else ("name",),
        purpose="export: customers" + (" (unmasked)" if whole else ""),
        at=now,
        ip=client_ip(request),
    )
    name = f"customers-{timezone.localtime(now):%Y%m%d-%H%M}"
    if not is_large(rows):
        return workbook_response(write_workbook(rows, whole=whole), f"{name}.xlsx")
    disposition = content_disposition_header(as_attachment=True, filename=f"{name}.csv")
    headers = {"Content-Disposition": disposition or ""}
    return HttpResponse(write_csv(rows, whole=whole), content_type="text/csv; charset=utf-8", headers=headers)
