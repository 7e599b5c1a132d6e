"""What the wizard asks, one form a step."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

ZONES = ["Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Europe/London"]
ZONES += ["Europe/Berlin", "America/New_York", "America/Los_Angeles", "UTC"]


class CompanyForm(forms.Form):
    """The company and, while nobody can sign in yet, its first administrator."""

    company = forms.CharField(label=_("Company name"), max_length=120)
    timezone = forms.ChoiceField(
        label=_("Time zone"), choices=[(zone, zone) for zone in ZONES if zone in available_timezones()]
    )
    language = forms.ChoiceField(label=_("First language"), choices=settings.LANGUAGES)
    name = forms.CharField(label=_("Your name"), max_length=80)
    email = forms.EmailField(label=_("Your email"), max_length=254)
    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(render_value=True),
        help_text=_("At least 10 characters. A sentence is good."),
        max_length=128,
    )

    def clean_password(self) -> str:
        """Hold the password to the house rules."""
        value = str(self.cleaned_data["password"])
        validate_password(value)
        return value


class ShopForm(forms.Form):
    """The first shop."""

    name = forms.CharField(label=_("Shop name"), max_length=80, help_text=_("As customers know it."))
    code = forms.SlugField(
        label=_("Short name"), max_length=32, help_text=_("Letters, digits and hyphens; stands in addresses.")
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(c, c) for c in ("CNY", "HKD", "USD", "EUR", "JPY")])
    color = forms.RegexField(
        label=_("Colour"),
        regex=r"^#[0-9A-Fa-f]{6}$",
        initial="#0F766E",
        widget=forms.TextInput(attrs={"type": "color"}),
    )


class MailboxForm(forms.Form):
    """Where customers write to."""

    address = forms.EmailField(label=_("Service address"), max_length=254)
    name = forms.CharField(label=_("Sender name"), max_length=80)
    test_to = forms.EmailField(label=_("Send a test to"), required=False)


class StaffForm(forms.Form):
    """Whom to invite first, one address a line."""

    emails = forms.CharField(
        label=_("Email addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line. Each gets a link to set a name and a password."),
        max_length=4000,
    )
    role = forms.ChoiceField(label=_("Role"), choices=[])

    def __init__(self, *args: Any, roles: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles  # type: ignore[attr-defined]

    def clean_emails(self) -> list[str]:
        """Return the addresses; name the first that is none."""
        found = []
        for line in self.cleaned_data["emails"].replace(",", "\n").splitlines():
            address = line.strip().lower()
            if not address:
                continue
            try:
                found.append(forms.EmailField().clean(address))
            except ValidationError:
                raise ValidationError(
                    _("“%(address)s” is not an email address."), params={"address": address[:60]}
                ) from None
        return list(dict.fromkeys(found))[:50]


class CalendarForm(forms.Form):
    """When the team works."""

    PRESETS = (
        ("office", _("Monday to Friday, 9:00–18:00")),
        ("shop", _("Every day, 9:00–21:00")),
        ("always", _("Around the clock")),
    )
    preset = forms.ChoiceField(label=_("Working hours"), choices=PRESETS, widget=forms.RadioSelect, initial="shop")
    holidays = forms.BooleanField(
        label=_("Closed on Chinese public holidays, open on make-up working days"), required=False, initial=True
    )
