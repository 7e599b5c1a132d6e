"""The form of the order notices' settings: the company's word on notices, and a line for each step."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.enums import Channel
from notifications.models import NoticePolicy
from notifications.services.accounts import PolicyDraft
from orders.models import NoticeRule
from orders.notice_enums import NoticeStep
from orders.services.notices import TOLD, RuleDraft


def _orders() -> list[tuple[str, str]]:
    labels = dict(Channel.choices)
    usual = (Channel.PUSH, Channel.WECHAT, Channel.SMS, Channel.EMAIL)
    return [
        (",".join(one), " → ".join(str(labels[channel]) for channel in one)) for one in permutations(map(str, usual))
    ]


class NoticePolicyForm(forms.Form):
    """Quiet hours, the daily cap, and which channel is tried first."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    has_quiet_hours = forms.BooleanField(label=_("Keep quiet hours"), required=False)
    quiet_from = forms.TimeField(label=_("Quiet from"), widget=forms.TimeInput(attrs={"type": "time"}))
    quiet_until = forms.TimeField(
        label=_("until"), widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=_("By the clock of the order's shop. A notice that falls into them waits for their end."),
    )  # fmt: skip
    daily_cap = forms.IntegerField(
        label=_("At most a day for one customer"), min_value=1, max_value=50,
        help_text=_("Steps marked “Beyond the daily cap” are neither counted nor held back."),
    )  # fmt: skip
    channels = forms.ChoiceField(
        label=_("Channels in this order"), choices=_orders,
        help_text=_("What a customer wishes comes first. When one channel fails for good, the next is tried."),
    )  # fmt: skip

    @staticmethod
    def initial_of(policy: NoticePolicy) -> dict[str, Any]:
        """Return what the form shows."""
        return {
            "version": policy.version,
            "has_quiet_hours": policy.has_quiet_hours,
            "quiet_from": policy.quiet_from.strftime("%H:%M"),
            "quiet_until": policy.quiet_until.strftime("%H:%M"),
            "daily_cap": policy.daily_cap,
            "channels": ",".join(policy.channels),
        }

    def draft(self) -> PolicyDraft:
        """Return what was typed as the service wants it."""
        data = self.cleaned_data
        return PolicyDraft(
            has_quiet_hours=data["has_quiet_hours"],
            quiet_from=data["quiet_from"],
            quiet_until=data["quiet_until"],
            daily_cap=data["daily_cap"],
            channels=data["channels"].split(","),
        )


class NoticeRuleForm(forms.Form):
    """One step's line."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    is_on = forms.BooleanField(label=_("Tell customers"), required=False)
    is_urgent = forms.BooleanField(label=_("Also in quiet hours"), required=False)
    is_critical = forms.BooleanField(label=_("Beyond the daily cap"), required=False)
    is_everywhere = forms.BooleanField(label=_("On every channel at once"), required=False)
    hours = forms.IntegerField(label=_("Not later than (hours)"), min_value=1, max_value=240)

    def __init__(self, data: Any = None, *, rule: NoticeRule) -> None:
        """Take the present rule as what is shown."""
        self.step = NoticeStep(rule.step)
        initial = {name: getattr(rule, name) for name in ("version", *TOLD)}
        super().__init__(data, prefix=rule.step, initial=initial)

    def draft(self) -> RuleDraft:
        """Return what was typed as the service wants it."""
        return RuleDraft(step=str(self.step), **self.cleaned_data)
