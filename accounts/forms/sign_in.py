from typing import Any

from allauth.account.forms import ResetPasswordForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.services.sign_in import (
    count_second_factor,
    forgive_second_factor,
    request_password_reset,
    use_code_once,
)
from core.errors import RateLimited
from core.http import client_ip

TOO_MANY_CODES = _("Too many wrong codes. Wait a quarter of an hour and try again.")
WRONG_CODE = _("This code is not right, or it was used already. Wait for the next one and try again.")


class ForgottenPasswordForm(ResetPasswordForm):
    """Answers alike for every address; the mail leaves in a job."""

    def clean_email(self) -> str:
        self.users: list[Staff] = []
        return str(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email = str(self.cleaned_data["email"])
        request_password_reset(email=email, ip=client_ip(request), at=timezone.now())
        return email


class _CountedCode:
    """Counts codes in the database, and lets each one through once."""

    user: Staff
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        try:
            count_second_factor(staff_id=self.user.pk)
        except RateLimited as error:
            raise ValidationError(TOO_MANY_CODES, code="rate_limited") from error
        self.cleaned_data["code"] = "".join(str(self.cleaned_data["code"]).split())
        try:
            code = str(super().clean_code())  # type: ignore[misc]
            use_code_once(staff_id=self.user.pk, code=code)
        except (ValidationError, RateLimited) as error:
            raise ValidationError(WRONG_CODE, code="incorrect_code") from error
        forgive_second_factor(staff_id=self.user.pk)
        return code


class SecondFactorForm(_CountedCode, AuthenticateForm):
    pass


class SecondFactorAgainForm(_CountedCode, ReauthenticateForm):
    pass


class SetUpSecondFactorForm(_CountedCode, ActivateTOTPForm):
    pass


class AcceptInvitationForm(forms.Form):
    display_name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        help_text=_("Customers and colleagues see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        help_text=_("At least 10 characters. A sentence is easy to keep in mind."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
        strip=False,
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        self.email = email
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if password := data.get("password"):
            try:
                validate_password(password, Staff(email=self.email, display_name=data.get("display_name", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return data
