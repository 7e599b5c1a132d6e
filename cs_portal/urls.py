"""Addresses. Each app owns its own; order matters only where one prefix contains another."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path
from django.views.i18n import set_language

from core.views import health
from cs_portal.welcome.views import welcome

handler400 = "core.views.errors.bad_request"
handler403 = "core.views.errors.not_allowed"
handler404 = "core.views.errors.not_found"
handler500 = "core.views.errors.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("welcome/", welcome, name="welcome"),
    path("language/", set_language, name="set_language"),
    path("ui/", include("core.ui.urls")),
    *[path("", include(f"{app}.urls")) for app in settings.OUR_APPS if find_spec(f"{app}.urls") is not None],
    path("accounts/", include("allauth.account.urls")),
    path("accounts/mfa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("api/v1/", include("cs_portal.api_urls")),
]
