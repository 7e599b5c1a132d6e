"""The two mails staff get from us; links use the configured site address, never a request's host."""

import hashlib
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from accounts.models import Invitation, Staff


def _send(template: str, *, to: str, language: str, context: dict[str, object], message_key: str) -> None:
    with translation.override(language):
        subject = " ".join(render_to_string(f"accounts/mail/{template}_subject.txt", context).split())
        body = render_to_string(f"accounts/mail/{template}.txt", context)
    digest = hashlib.sha256(message_key.encode()).hexdigest()[:32]
    EmailMessage(
        subject=subject,
        body=body,
        to=[to],
        # The same job sends the same Message-ID: a mail sent twice after a crash is shown once.
        headers={"Message-ID": f"<{digest}@{settings.MAIL_DOMAIN}>", "Auto-Submitted": "auto-generated"},
    ).send()


def invitation_url(token: str) -> str:
    """Return the address where an invitation is accepted."""
    return urljoin(settings.PUBLIC_URL, reverse("accounts:invitation", args=[token]))


def send_invitation(invitation: Invitation, token: str, *, message_key: str) -> None:
    """Send an invitation in the language chosen for the newcomer."""
    context = {"url": invitation_url(token), "invited_by": invitation.invited_by.display_name, "days": 7}
    _send("invitation", to=invitation.email, language=invitation.language, context=context, message_key=message_key)


def send_password_reset(staff: Staff, *, message_key: str) -> None:
    """Send a link that sets a new password; it dies with the password it was made for."""
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    path = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(staff), "key": default_token_generator.make_token(staff)},
    )
    context = {
        "url": urljoin(settings.PUBLIC_URL, path),
        "name": staff.display_name,
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    _send("password_reset", to=staff.email, language=staff.language, context=context, message_key=message_key)
