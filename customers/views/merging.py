"""Duplicates: proposed pairs, side by side, joined with what wins shown first, and taken apart again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from accounts.services import record_access
from core import registry
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotFound, StaleEdit
from core.http import client_ip, render_page
from core.http.answers import is_htmx, toast
from customers import services
from customers.enums import DuplicateReason, Tier
from customers.models import Customer, DuplicatePair
from customers.permissions import get_customer_for
from customers.selectors import contact_choices_of, identities_of, search_customers
from customers.selectors.duplicates import PAGE, duplicates_of, open_duplicates
from customers.selectors.merging import arrivals_of, find_joining, joined_with
from customers.services.merging import outcome

COMPARE = "customers/merge.html"
PART = "customers/unmerge.html"
LIST = "customers/duplicates.html"
LANGUAGES = {"zh-hans": "简体中文", "en": "English"}
LOOKED_AT = ("name", "phone", "email", "note")


@staff_page(Permission.CUSTOMER_MERGE)
@require_http_methods(["GET", "HEAD", "POST"])
def duplicates(request: StaffRequest) -> HttpResponse:
    """List pairs that look like one person; POST has all customers looked through anew."""
    if request.method == "POST":
        services.ask_for_duplicates(at=timezone.now())
        messages.success(request, _("We are looking through all customers. Come back in a minute."))
        return HttpResponseRedirect(reverse("customers:duplicates"))
    before = request.GET.get("before", "")
    rows = open_duplicates(before=int(before) if before.isdecimal() and len(before) < 18 else None)
    shown = rows[:PAGE]
    context = {
        "pairs": [{"pair": pair, "reasons": reasons_of(pair)} for pair in shown],
        "next_url": f"?before={shown[-1].pk}" if len(rows) > PAGE else "",
    }
    return render_page(request, LIST, context)


def reasons_of(pair: DuplicatePair) -> list[str]:
    """Return in words why two records look like one person."""
    labels = dict(DuplicateReason.choices)
    return [str(labels[reason]) for reason in pair.reasons if reason in labels]


@staff_page(Permission.CUSTOMER_MERGE)
@require_safe
def proposals(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show beside a customer who looks like the same person, and what is joined already."""
    customer = get_customer_for(request.user, customer_id)
    pairs = [
        {"other": pair.high if pair.low_id == customer.pk else pair.low, "reasons": reasons_of(pair)}
        for pair in duplicates_of(customer.pk)
    ]
    context = {"customer": customer, "pairs": pairs, "joined": joined_with(customer.pk)}
    return render_page(request, "customers/proposals.html", context, fragment="panel")


@dataclass(frozen=True)
class Row:
    """One line of the comparison: what each record says, what the joined one will say, whether that changes."""

    label: Any
    kind: str
    source: Any
    target: Any
    result: Any
    changes: bool = False


@staff_page(Permission.CUSTOMER_MERGE)
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Put two records side by side (GET `with`), the first one the one that stays; or join them (POST `source`)."""
    target = get_customer_for(request.user, customer_id, Permission.CUSTOMER_MERGE)
    if request.method != "POST":
        return _compare_page(request, target, request.GET.get("with", ""))
    source = get_customer_for(request.user, _number(request.POST.get("source", "")), Permission.CUSTOMER_MERGE)
    versions = {
        customer.pk: _number(request.POST.get(name, ""))
        for customer, name in ((source, "source_version"), (target, "target_version"))
    }
    try:
        services.merge_customers(
            source_id=source.pk, target_id=target.pk, versions=versions,
            actor=Actor.staff(request.user), at=timezone.now(),
        )  # fmt: skip
    except StaleEdit as error:
        return _compare_page(request, _fresh(target), str(source.pk), error, stale=True)
    except DomainError as error:
        return _compare_page(request, _fresh(target), str(source.pk), error)
    words = _("Joined. Everything about this person is on one page now.")
    return _done(request, target.pk, words, undo=reverse("customers:unmerge", args=[source.pk]))


def _fresh(customer: Customer) -> Customer:
    return Customer.objects.get(pk=customer.pk)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise InvalidInput
    return int(text)


def _compare_page(
    request: StaffRequest, target: Customer, other: str, error: DomainError | None = None, *, stale: bool = False
) -> HttpResponse:
    context: dict[str, Any] = {"customer": target, "q": "", "found": [], "error": error, "stale": stale}
    source = Customer.objects.filter(pk=int(other)).first() if other.isdecimal() and len(other) < 18 else None
    if source is not None and source.root_id != target.pk:
        source = get_customer_for(request.user, source.pk, Permission.CUSTOMER_MERGE)
        _write_down(request, source, target)
        context |= _side_by_side(request, source, target)
    else:
        query = request.GET.get("q", "").strip()[:100]
        found = [row for row in search_customers(query) if row.pk != target.pk] if query else []
        context |= {"q": query, "found": found, "pairs": duplicates_of(target.pk)}
    return render_page(request, COMPARE, context, status=error.http_status if error else 200)


def _write_down(request: StaffRequest, *customers: Customer) -> None:
    for customer in customers:
        record_access(
            actor=Actor.staff(request.user), subject_type="customer", subject_id=customer.pk, fields=LOOKED_AT,
            purpose="compare duplicates", at=timezone.now(), ip=client_ip(request),
        )  # fmt: skip


def _side_by_side(request: StaffRequest, source: Customer, target: Customer) -> dict[str, Any]:
    taken, _new = outcome(source, target)
    result = {name: after for name, (_before, after) in taken.items()}
    tiers = dict(Tier.choices)
    rows = [
        Row(pgettext_lazy("person", "Name"), "text", source.name, target.name, result.get("name", target.name),
            "name" in result),
        Row(_("Tier"), "text", tiers[source.tier], tiers[target.tier], tiers[result.get("tier", target.tier)],
            "tier" in result),
        Row(_("Tags"), "tags", source.tags, target.tags, result.get("tags", target.tags), "tags" in result),
        Row(_("Blocked"), "yesno", source.is_blocked, target.is_blocked,
            result.get("is_blocked", target.is_blocked), "is_blocked" in result),
        Row(_("Language"), "text", language_of(source), language_of(target), language_of(target)),
        Row(_("Note for colleagues"), "note", source.note, target.note,
            "\n\n".join(filter(None, (target.note, source.note))),
            bool(source.note)),
        Row(_("Customer since"), "date", source.created_at, target.created_at,
            min(source.created_at, target.created_at), source.created_at < target.created_at),
    ]  # fmt: skip
    contacts = {customer.pk: identities_of(customer.pk) for customer in (source, target)}
    panels = [
        {"label": panel.label, "urls": [reverse(panel.url_name, args=[pk]) for pk in (source.pk, target.pk)]}
        for panel in registry.panels_for("compare", "customer")
        if not panel.permission or request.user.may(panel.permission)
    ]
    return {
        "source": source,
        "rows": rows,
        "source_contacts": contacts[source.pk],
        "target_contacts": contacts[target.pk],
        "consent": _consent(source, target),
        "panels": panels,
        "may_reveal": has(request.user, Permission.PII_REVEAL),
    }


def language_of(customer: Customer) -> str:
    """Return a customer's language in its own words."""
    return LANGUAGES.get(customer.language, customer.language)


def _consent(source: Customer, target: Customer) -> list[dict[str, Any]]:
    """Return what each record allows and the stricter of both, by channel and purpose."""
    said: dict[tuple[str, str], dict[int, Any]] = {}
    for customer in (source, target):
        for choice in contact_choices_of(customer.pk):
            said.setdefault((choice.channel, choice.purpose), {})[customer.pk] = choice
    rows = []
    for (channel, _purpose), choices in sorted(said.items()):
        one, two = choices.get(source.pk), choices.get(target.pk)
        given = [choice.is_allowed for choice in (one, two) if choice]
        label = next(choice for choice in (one, two) if choice).get_purpose_display()
        rows.append({
            "channel": channel, "purpose": label, "source": one and one.is_allowed, "target": two and two.is_allowed,
            "result": all(given), "changes": two is None or all(given) != two.is_allowed,
        })  # fmt: skip
    return rows


@staff_page(Permission.CUSTOMER_MERGE)
@require_http_methods(["GET", "HEAD", "POST"])
def unmerge(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Say what taking a joined record out means and what goes with it, then do it."""
    get_customer_for(request.user, customer_id, Permission.CUSTOMER_MERGE)
    joining = find_joining(customer_id)
    if joining is None:
        raise NotFound
    if request.method != "POST":
        return render_page(request, PART, {"joining": joining, "arrivals": arrivals_of(joining)})
    try:
        source = services.unmerge_customer(source_id=customer_id, actor=Actor.staff(request.user), at=timezone.now())
    except DomainError as error:
        if is_htmx(request):
            raise
        context = {"joining": joining, "arrivals": arrivals_of(joining), "error": error}
        return render_page(request, PART, context, status=error.http_status)
    return _done(request, source.pk, _("Taken apart. Both records are as they were."))


@staff_page(Permission.CUSTOMER_MERGE)
@require_POST
def tell_apart(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Write down that two records (`other`) are two people, or take that back (`again`)."""
    one = get_customer_for(request.user, customer_id, Permission.CUSTOMER_MERGE)
    other = get_customer_for(request.user, _number(request.POST.get("other", "")), Permission.CUSTOMER_MERGE)
    actor, at = Actor.staff(request.user), timezone.now()
    if request.POST.get("again") == "1":
        services.propose_again(one_id=one.pk, other_id=other.pk, actor=actor, at=at)
        words = _("Proposed again.")
    else:
        services.tell_apart(one_id=one.pk, other_id=other.pk, actor=actor, at=at)
        words = _("Two people. They are not proposed again.")
    messages.success(request, words)
    return HttpResponseRedirect(reverse("customers:duplicates"))


def _done(request: StaffRequest, customer_id: int, words: Any, *, undo: str = "") -> HttpResponse:
    """Go on to a customer: HTMX swaps the page under the toast, so that its undo stays; others are sent there."""
    target = reverse("customers:customer", args=[customer_id])
    if not is_htmx(request):
        messages.success(request, words)
        return HttpResponseRedirect(target)
    response = HttpResponse(status=204)
    response["HX-Location"] = json.dumps({"path": target, "target": "#main", "select": "#main", "swap": "outerHTML"})
    extra: dict[str, Any] = {"undo": {"url": undo, "label": gettext("Undo")}} if undo else {}
    return toast(response, words, **extra)
