"""Settings of order notices, and what an order's customer was told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, StaffRequest, has, shop_scope, staff_page
from core.actors import Actor
from core.errors import StaleEdit
from core.http import form_invalid, on_newer, render_page
from notifications.enums import Channel, DeliveryState
from notifications.models import Delivery
from notifications.selectors.notices import notice_policy
from notifications.selectors.providers import active_channels, lacks
from notifications.services import save_notice_policy
from notifications.templates import language_for
from notifications.wordings import words_for, words_for_notice
from orders.forms.notices import NoticePolicyForm, NoticeRuleForm
from orders.notice_enums import NoticeStep
from orders.permissions import get_order_for
from orders.selectors.notices import ToldStep, confirmation_reach, notice_rules, notices_of
from orders.services.notices import save_notice_rules

PAGE = "orders/notice_settings.html"
REACH_DAYS = 7


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: StaffRequest) -> HttpResponse:
    """Show and save which steps are told, quiet hours, cap and the order of channels."""
    data = request.POST or None
    policy_form = NoticePolicyForm(data, initial=NoticePolicyForm.initial_of(notice_policy()))
    rules = [NoticeRuleForm(data, rule=rule) for rule in notice_rules().values()]
    if request.method != "POST":
        return render_page(request, PAGE, _settings(request, policy_form, rules))
    if not all([policy_form.is_valid(), *(form.is_valid() for form in rules)]):
        return form_invalid(request, PAGE, _settings(request, policy_form, rules))
    try:
        _save(request, policy_form, rules)
    except StaleEdit:
        changes = on_newer(policy_form, NoticePolicyForm.initial_of(notice_policy()))
        fresh = {row.step: row for row in notice_rules().values()}
        for form in rules:
            theirs = on_newer(form, NoticeRuleForm(rule=fresh[form.step]).initial)
            changes += [one | {"label": f"{form.step.label} · {one['label']}"} for one in theirs]
        context = _settings(request, policy_form, rules) | {"changes": changes}
        return render_page(request, PAGE, context, status=409)
    messages.success(request, _("Saved. Notices follow it from now on."))
    return HttpResponseRedirect(reverse("orders:notice_settings"))


@transaction.atomic
def _save(request: StaffRequest, policy_form: NoticePolicyForm, rules: list[NoticeRuleForm]) -> None:
    actor, at = Actor.staff(request.user), timezone.now()
    version = policy_form.cleaned_data["version"]
    save_notice_policy(draft=policy_form.draft(), version=version, actor=actor, at=at)
    save_notice_rules(drafts=[form.draft() for form in rules], actor=actor, at=at)


def _settings(request: StaffRequest, policy_form: NoticePolicyForm, rules: list[NoticeRuleForm]) -> dict[str, Any]:
    now, active = timezone.now(), active_channels()
    language = language_for(translation.get_language() or "zh-hans")
    lines = [
        {
            "form": form,
            "step": form.step,
            "texts": [_text_link(form.step, channel, language, active) for channel in notice_policy().channels],
        }
        for form in rules
    ]
    reach = confirmation_reach(since=now - timedelta(days=REACH_DAYS), until=now, shop_ids=shop_scope(request.user))
    return {"form": policy_form, "lines": lines, "reach": reach, "reach_days": REACH_DAYS}


def _text_link(step: NoticeStep, channel: str, language: str, active: set[str]) -> dict[str, Any]:
    key = f"order.{step}"
    return {
        "label": Channel(channel).label,
        "url": reverse("notifications:template", args=[channel, key, language]),
        "lacks": words_for_notice(lacks(channel, key, language, active)),
    }


@staff_page(Permission.ORDER_VIEW)
@require_safe
def told(request: StaffRequest, order_id: int) -> HttpResponse:
    """Show what an order's customer was told: step, channel, masked address, and why something was not sent."""
    order = get_order_for(request.user, order_id)
    context = {
        "order": order, "lines": [_line(one) for one in notices_of(order.pk)], "key": uuid4(),
        "may_repeat": has(request.user, Permission.ORDER_NOTIFY),
    }  # fmt: skip
    return render_page(request, "orders/notices.html", context, fragment="panel")


_TONES = {
    "open": ("clock", ""), "sent": ("check", "good"), "delivered": ("checks", "good"),
    "failed": ("alert-triangle", "bad"), "expired": ("clock", "warn"), "dropped": ("bell-off", "warn"),
}  # fmt: skip


def _line(one: ToldStep) -> dict[str, Any]:
    row, notice = one.row, one.row.notice
    icon, tone = _TONES[notice.state if notice else "dropped"]
    waits = next((d.due_at for d in one.deliveries if d.state == DeliveryState.QUEUED), None)
    return {
        "row": row,
        "repeats": one.repeats,
        "label": NoticeStep(row.step).label,
        "state": notice.get_state_display() if notice else _("Not sent"),
        "icon": icon,
        "tone": tone,
        "why": words_for_notice(notice.reason if notice else row.reason),
        "why_is_said": any(notice and d.provider_code == notice.reason for d in one.deliveries),
        "waits_until": waits if waits and waits > timezone.now() else None,
        "messages": [_message(delivery) for delivery in one.deliveries],
        "skips": [
            {
                "channel": Channel(skip["channel"]).label if skip["channel"] else "",
                "why": words_for_notice(skip["reason"]),
            }
            for skip in one.skips
            if skip["channel"] not in {delivery.channel for delivery in one.deliveries}
        ],
    }


def _message(delivery: Delivery) -> dict[str, Any]:
    is_bad = delivery.state == DeliveryState.FAILED
    return {
        "channel": delivery.get_channel_display(),
        "to": delivery.to_masked,
        "state": delivery.get_state_display(),
        "at": delivery.delivered_at or delivery.sent_at or delivery.failed_at or delivery.queued_at,
        "tries": delivery.attempts,
        "why": words_for(delivery.provider_code) if is_bad else "",
        "is_bad": is_bad,
    }
