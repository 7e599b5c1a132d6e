"""Forms of the accounts at providers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.crypto import CannotDecrypt
from notifications.channels import aliyun, wechat
from notifications.enums import Channel
from notifications.models import ChannelAccount
from notifications.selectors.providers import credentials_of
from notifications.services.accounts import SECRET


def _secret(label: Any, **more: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=200, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}), **more
    )


class AccountForm(forms.Form):
    """What every account has; secrets are never shown again."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)
    own: tuple[str, ...] = ()

    @classmethod
    def initial_of(cls, row: ChannelAccount | None) -> dict[str, Any]:
        """Return what the form shows for an account, without its secrets."""
        try:
            known = credentials_of(row)
        except CannotDecrypt:
            known = {}
        shown = {name: known[name] for name in cls.own if name in known and name not in SECRET}
        return {"version": row.version if row else 0, "is_active": row.is_active if row else True, **shown}

    def values(self) -> dict[str, str]:
        """Return what was typed as the service wants it."""
        return {name: self.cleaned_data[name] for name in self.own}


class SmsForm(AccountForm):
    """Aliyun's text message service."""

    access_key_id = forms.CharField(label=_("AccessKey ID"), max_length=80)
    access_key_secret = _secret(_("AccessKey secret"))
    sign_name = forms.CharField(
        label=pgettext_lazy("text message", "Signature"), max_length=40,
        help_text=_("As approved by Aliyun, without the brackets."),
    )  # fmt: skip
    endpoint = forms.CharField(label=_("Interface"), max_length=200, initial=aliyun.ENDPOINT)
    own = ("access_key_id", "access_key_secret", "sign_name", "endpoint")


class WechatForm(AccountForm):
    """A WeChat official account."""

    app_id = forms.CharField(label=_("AppID"), max_length=80)
    app_secret = _secret(_("AppSecret"))
    token = _secret(
        _("Token"), help_text=_("The word you also enter in the account's server settings; it signs what WeChat says.")
    )
    endpoint = forms.CharField(label=_("Interface"), max_length=200, initial=wechat.ENDPOINT)
    own = ("app_id", "app_secret", "token", "endpoint")


class PushForm(AccountForm):
    """Our key for push services."""

    subject = forms.CharField(
        label=_("Who push services may write to"), max_length=200, initial="mailto:",
        help_text=_("A mailto: or https: address; browsers' push services want it."),
    )  # fmt: skip
    private_key = _secret(_("Private key"), help_text=_("Leave it empty and we make one."))
    own = ("subject", "private_key")

    def clean_subject(self) -> str:
        """Refuse what push services refuse."""
        typed: str = self.cleaned_data["subject"].strip()
        if not (typed.startswith("https://") or (typed.startswith("mailto:") and "@" in typed)):
            raise forms.ValidationError(_("Write mailto:name@example.com or an https address."))
        return typed


FORMS: dict[str, type[AccountForm]] = {
    Channel.SMS: SmsForm,
    Channel.WECHAT: WechatForm,
    Channel.PUSH: PushForm,
}


class ChannelTestForm(forms.Form):
    """Where a test message goes."""

    __test__ = False
    to = forms.CharField(label=_("To"), max_length=2000)


class ProviderTemplateForm(forms.Form):
    """Which of the provider's templates stands for one of ours."""

    provider_version = forms.IntegerField(widget=forms.HiddenInput)
    code = forms.CharField(label=_("The provider's template"), max_length=64, required=False)
    fields_ = forms.CharField(
        label=_("Its fields"), max_length=2000, required=False, widget=forms.Textarea,
        help_text=_("One a line: field=words, with variables in braces. Empty: our variables under their own names."),
    )  # fmt: skip
