"""Settings of accounts at carriers' providers, and the board of freshness by carrier."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core import ratelimit
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, on_newer, render_page
from orders.carriers import adapter_for, adapters
from orders.carrying_words import words_for
from orders.forms.carrying import CarrierAccountForm
from orders.models import Carrier, CarrierAccount
from orders.selectors import carriers as all_carriers
from orders.selectors import carrying as read
from orders.services import carrying
from orders.views.settings import add_errors

EDIT = "orders/carrying/account.html"
SHOWN = 50


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def board(request: StaffRequest) -> HttpResponse:
    """Show how fresh what we know is, by carrier, and how the accounts do."""
    now = timezone.now()
    rows = read.freshness(now)
    under_way, fresh = sum(row.under_way for row in rows), sum(row.fresh for row in rows)
    context = {
        "rows": rows,
        "under_way": under_way,
        "fresh": fresh,
        "share": fresh / under_way if under_way else None,
        "stale": under_way - fresh,
        "accounts": [_told(one) for one in read.account_states(now)],
        "pushes": [{"push": push, "words": words_for(push.error_code)} for push in read.refused_pushes(20)],
        "providers": adapters(),
    }
    return render_page(request, "orders/carrying/board.html", context, fragment="board")


def _told(one: read.AccountState) -> dict[str, Any]:
    account = one.account
    code = account.halted_code or (account.last_error_code if one.state == "paused" else "")
    return {"state": one, "account": account, "words": words_for(code), "code": code}


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def numbers(request: StaffRequest, carrier_id: int) -> HttpResponse:
    """Show the numbers behind a carrier's line on the board."""
    carrier = Carrier.objects.filter(pk=carrier_id).first()
    if carrier is None:
        raise NotFound
    what = request.GET.get("what", "stale")
    what = what if what in {"stale", "refused", "all"} else "stale"
    rows = read.numbers_behind(carrier_id=carrier_id, what=what, now=timezone.now())
    page = Paginator(rows, SHOWN).get_page(request.GET.get("page"))
    here = reverse("orders:carrier_numbers", args=[carrier_id])
    words = {"stale": _("Silent for two hours"), "refused": _("Refused by the provider"), "all": _("All")}
    context = {
        "carrier": carrier,
        "page": page,
        "rows": [{"row": row, "words": words_for(row.error_code)} for row in page],
        "tabs": [{"label": label, "url": f"{here}?what={key}", "active": key == what} for key, label in words.items()],
        "prev_url": f"?what={what}&page={page.previous_page_number()}" if page.has_previous() else "",
        "next_url": f"?what={what}&page={page.next_page_number()}" if page.has_next() else "",
    }
    return render_page(request, "orders/carrying/numbers.html", context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def account_new(request: StaffRequest, provider: str) -> HttpResponse:
    """Add an account at a provider."""
    if provider not in adapters():
        raise NotFound
    return _edit(request, provider, None)


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def account_edit(request: StaffRequest, account_id: int) -> HttpResponse:
    """Show and save one account."""
    account = read.get_account(account_id)
    return _edit(request, account.provider, account)


def _edit(request: StaffRequest, provider: str, account: CarrierAccount | None) -> HttpResponse:
    initial = CarrierAccountForm.initial_of(account, read.company_codes(account)) if account else None
    form = CarrierAccountForm(
        request.POST or None, initial=initial, provider=provider, adapter=adapter_for(provider),
        carriers=all_carriers(), is_new=account is None,
    )  # fmt: skip
    context = _context(account, provider) | {"form": form}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if not form.is_valid():
        return form_invalid(request, EDIT, context)
    try:
        saved = carrying.save_carrier_account(
            account_id=account.pk if account else None,
            draft=form.draft(),
            version=form.cleaned_data["version"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, EDIT, context)
    except StaleEdit:
        assert account is not None
        fresh = read.get_account(account.pk)
        changes = on_newer(form, CarrierAccountForm.initial_of(fresh, read.company_codes(fresh)))
        return render_page(request, EDIT, context | {"changes": changes}, status=409)
    messages.success(request, _("Saved.") if account else _("The account is there. Test it now."))
    return HttpResponseRedirect(reverse("orders:carrier_account", args=[saved.pk]))


def _context(account: CarrierAccount | None, provider: str) -> dict[str, Any]:
    adapter = adapter_for(provider)
    context: dict[str, Any] = {"account": account, "adapter": adapter, "provider": provider}
    if account is not None:
        state = read.state_of(account, timezone.now())
        code = account.halted_code or account.last_error_code
        context |= {
            "state": state, "words": words_for(code), "code": code, "push_url": carrying.push_url(account),
        }  # fmt: skip
    return context


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def account_test(request: StaffRequest, account_id: int) -> HttpResponse:
    """Ask the provider whether it takes the account, and say what came back."""
    account = read.get_account(account_id)
    ratelimit.check("orders.carrier-test", str(request.user.pk), limit=20, period=timedelta(hours=1))
    code = carrying.try_carrier_account(account_id=account_id)
    if code:
        messages.error(request, f"{words_for(code)} ({code})")
    else:
        messages.success(request, _("The provider takes the account."))
    return HttpResponseRedirect(reverse("orders:carrier_account", args=[account.pk]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def account_stop(request: StaffRequest, account_id: int) -> HttpResponse:
    """Stop asking at an account."""
    carrying.stop_carrier_account(account_id=account_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Nothing is asked there any more; pushes are still taken."))
    return HttpResponseRedirect(reverse("orders:carrier_account", args=[account_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def account_resume(request: StaffRequest, account_id: int) -> HttpResponse:
    """Ask again at an account."""
    carrying.resume_carrier_account(account_id=account_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("It is asked again."))
    return HttpResponseRedirect(reverse("orders:carrier_account", args=[account_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def account_renew(request: StaffRequest, account_id: int) -> HttpResponse:
    """Give an account another push address."""
    carrying.renew_push_token(account_id=account_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The old address ended. Enter the new one at the provider where it is needed."))
    return HttpResponseRedirect(reverse("orders:carrier_account", args=[account_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def number_again(request: StaffRequest, tracking_id: int) -> HttpResponse:
    """Begin anew with a number the provider refused."""
    row = carrying.follow_again(tracking_id=tracking_id, at=timezone.now())
    messages.success(request, _("It is asked for again."))
    return HttpResponseRedirect(reverse("orders:carrier_numbers", args=[row.carrier_id]) + "?what=refused")


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def push_again(request: StaffRequest, push_id: int) -> HttpResponse:
    """Apply a refused push once more."""
    carrying.replay_push(push_id=push_id, at=timezone.now())
    messages.success(request, _("It is applied again in a moment."))
    return HttpResponseRedirect(reverse("orders:carrier_board"))
