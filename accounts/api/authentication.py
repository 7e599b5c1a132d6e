from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import selectors, services
from accounts.models import ApiKey
from core import ratelimit
from core.http import client_ip

PER_MINUTE = 600
BAD_KEYS_PER_MINUTE = 30
MINUTE = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """Let a key in: `Authorization: Bearer csk_…`, 600 calls a minute counted in the database.

    `request.user` and `request.auth` are the ApiKey. Raises RateLimited; a wrong key costs the caller's address.
    """

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        scheme, _space, plain = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not plain:
            return None
        key = selectors.find_api_key(plain) if plain.startswith("csk_") and len(plain) < 100 else None
        if key is None:
            ratelimit.check("api.bad-key", client_ip(request._request), limit=BAD_KEYS_PER_MINUTE, period=MINUTE)
            raise AuthenticationFailed(_no_such_key())
        ratelimit.check("api.key", str(key.pk), limit=PER_MINUTE, period=MINUTE)
        services.touch_api_key(key=key, at=timezone.now())
        return key, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="cs_portal"'


def _no_such_key() -> str:
    return str(_("This key is not valid. It may have been revoked."))
