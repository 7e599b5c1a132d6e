"""Sign-in pages: django-allauth's flows, with failed forms answered as 422 and what we do not offer closed."""

from typing import Any

from allauth.account import views as account
from allauth.account.internal.decorators import login_not_required
from allauth.mfa.base import views as mfa
from allauth.mfa.totp import views as totp
from django.contrib.auth import login
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import selectors, services
from accounts.adapter import remember_looks
from accounts.errors import EmailTaken, InvitationDead
from accounts.forms import AcceptInvitationForm
from accounts.services.sign_in import PER_ADDRESS, WINDOW
from core import ratelimit
from core.errors import NotFound
from core.http import client_ip, form_invalid, render_page


class RefusedIs422:
    """Answer a form that fails with 422, or 429 when it was the lock-out that refused it.

    Labels stand above the fields here, so django-allauth's placeholders go.
    """

    def get_form(self, form_class: Any = None) -> Form:
        form: Form = super().get_form(form_class)  # type: ignore[misc]
        for field in form.fields.values():
            field.widget.attrs.pop("placeholder", None)
        return form

    def form_invalid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        wait = getattr(self.request, "too_many_attempts", None)  # type: ignore[attr-defined]
        response.status_code = 429 if wait else 422
        if wait:
            response["Retry-After"] = str(wait)
        return response


class SignInView(RefusedIs422, account.LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"ended": "ended" in self.request.GET}


class PasswordResetView(RefusedIs422, account.PasswordResetView):
    pass


class PasswordChangeView(RefusedIs422, account.PasswordChangeView):
    pass


class PasswordResetFromKeyView(RefusedIs422, account.PasswordResetFromKeyView):
    pass


class ReauthenticateView(RefusedIs422, account.ReauthenticateView):
    pass


class SecondFactorView(RefusedIs422, mfa.AuthenticateView):
    def form_invalid(self, form: Form) -> HttpResponse:
        response = mfa.AuthenticateView.form_invalid(self, form)
        response.status_code = 422
        return response


class SecondFactorAgainView(RefusedIs422, mfa.ReauthenticateView):
    pass


class SetUpSecondFactorView(RefusedIs422, totp.ActivateTOTPView):
    pass


@login_not_required
def closed(request: HttpRequest) -> HttpResponse:
    """Stand where django-allauth offers sign-up and address changes: staff come by invitation only."""
    raise NotFound


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person choose a name and a password, then go to the desk."""
    now = timezone.now()
    ratelimit.check("invitation.ip", client_ip(request), limit=PER_ADDRESS, period=WINDOW)
    offer = selectors.find_invitation(token, at=now)
    if offer is None:
        raise InvitationDead
    form = AcceptInvitationForm(request.POST or None, email=offer.email)
    context = {"form": form, "invitation": offer, "teams": selectors.team_names(offer.team_ids)}
    if request.method != "POST":
        return render_page(request, "accounts/invitation.html", context)
    if not form.is_valid():
        return form_invalid(request, "accounts/invitation.html", context)
    try:
        staff = services.accept_invitation(
            token=token,
            display_name=form.cleaned_data["display_name"],
            password=form.cleaned_data["password"],
            at=now,
        )
    except EmailTaken as error:
        form.add_error(None, str(error))
        return form_invalid(request, "accounts/invitation.html", context)
    login(request, staff, backend="accounts.backends.StaffBackend")
    response = redirect("/desk/")
    remember_looks(response, staff)
    return response
