"""Listen to django-allauth: the only signals this app uses."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts import services
from core.actors import Actor


def keep_this_session(request: HttpRequest, staff: Any) -> None:
    """Renew the session that asked for the change, so that only the others end."""
    update_session_auth_hash(request, staff)
    request.user = staff
    UserSession.objects.create_from_request(request)


@receiver([authenticator_added, authenticator_removed, authenticator_reset], dispatch_uid="accounts.second_factor")
def end_sessions_without_second_factor(
    request: HttpRequest, user: Any, authenticator: Authenticator, signal: Any, **kwargs: Any
) -> None:
    """A changed second factor ends every other session; codes made along with it need no second round."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES and signal is not authenticator_reset:
        return
    staff = services.note_second_factor_change(staff_id=user.pk, actor=Actor.staff(user), at=timezone.now())
    keep_this_session(request, staff)
