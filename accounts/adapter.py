"""What we ask of django-allauth: no sign-up, our limits, our services, our links."""

import base64
import re
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.enums import Theme
from accounts.models import Staff
from accounts.permissions import must_set_up_second_factor
from accounts.services.sign_in import count_sign_in, forgive_sign_in
from core import crypto
from core.actors import Actor
from core.errors import RateLimited
from core.http import client_ip

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]|^/(?:/|%2f|%5c)|%0[ad]", re.IGNORECASE)


def is_local_path(url: str) -> bool:
    """Tell whether a redirect target stays on this site: one leading slash, no trick with the next character."""
    return bool(url) and url.startswith("/") and not _UNSAFE.search(url) and url_has_allowed_host_and_scheme(url, None)


def remember_looks(response: HttpResponse, staff: Staff) -> None:
    """Give the browser the cookies that choose language and theme, as the person's account says."""
    year = 365 * 24 * 3600
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, staff.language, max_age=year, samesite="Lax")
    if staff.theme == Theme.AUTO:
        response.delete_cookie("cs_theme", samesite="Lax")
    else:
        response.set_cookie("cs_theme", staff.theme, max_age=year, samesite="Lax")


class StaffAccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("This email and password do not belong together. Check both and try again."),
        "too_many_login_attempts": _("Too many attempts. Wait a quarter of an hour, or set a new password by mail."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        return is_local_path(url or "")

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if isinstance(request.user, Staff) and must_set_up_second_factor(request.user):
            return reverse("mfa_activate_totp")
        return str(settings.LOGIN_REDIRECT_URL)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:profile")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Check a password under our own lock-out, which counts in the database and so for all processes."""
        email, ip = str(credentials.get("email", "")), client_ip(request)
        try:
            count_sign_in(email=email, ip=ip)
        except RateLimited as error:
            request.too_many_attempts = error.retry_after  # type: ignore[attr-defined]
            raise self.validation_error("too_many_login_attempts") from error
        user = super().authenticate(request, **credentials)
        if user is not None:
            forgive_sign_in(email=email, ip=ip)
        return user

    def reauthenticate(self, user: Any, password: str) -> bool:
        try:
            found = self.authenticate(context.request, email=user.email, password=password)
        except ValidationError:
            return False
        return found is not None and found.pk == user.pk

    def set_password(self, user: Any, password: str) -> None:
        """Change the password through our service and bring the caller's object up to date."""
        saved = services.change_password(
            staff_id=user.pk, password=password, actor=Actor.staff(user), at=timezone.now()
        )
        user.password, user.session_version = saved.password, saved.session_version

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Go on in the language the person chose for herself; signing in begins the shift."""
        response = super().post_login(request, user, **kwargs)
        services.begin_shift(staff_id=user.pk, at=timezone.now())
        remember_looks(response, user)
        return response


class StaffMFAAdapter(DefaultMFAAdapter):
    """Keep the secrets of the second factor encrypted."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(crypto.encrypt(text)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(base64.b64decode(encrypted_text))

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Keep the second factor where a role needs one."""
        return not set(settings.REQUIRE_MFA_ROLES) & set(authenticator.user.roles)
