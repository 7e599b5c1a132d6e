"""Mails of the accounts app: thin leaves over accounts.mails."""

import base64
import logging
from datetime import datetime, timedelta

from accounts import mails
from accounts.models import Invitation, Staff
from accounts.services.presence import mark_absent
from core import crypto
from core.jobs import RunningJob, every_tick, job

logger = logging.getLogger(__name__)


@job("accounts.send_invitation", outside=True, max_attempts=8)
def send_invitation(*, job: RunningJob, invitation_id: int, sealed_token: str) -> None:
    """Send the invitation's link unless it was used or withdrawn meanwhile."""
    invitation = Invitation.objects.select_related("invited_by").filter(pk=invitation_id).first()
    if invitation is None or invitation.accepted_at or invitation.revoked_at:
        logger.info("accounts.invitation_not_sent", extra={"invitation_id": invitation_id})
        return
    token = crypto.decrypt(base64.b64decode(sealed_token))
    mails.send_invitation(invitation, token, message_key=job.idempotency_key)


@job("accounts.send_password_reset", outside=True, max_attempts=8)
def send_password_reset(*, job: RunningJob, staff_id: int) -> None:
    """Send the reset link; it is made here, so that it is never stored."""
    staff = Staff.objects.filter(pk=staff_id, is_active=True).first()
    if staff is None:
        logger.info("accounts.reset_not_sent", extra={"staff_id": staff_id})
        return
    mails.send_password_reset(staff, message_key=job.idempotency_key)


@every_tick("accounts.mark_absent", at_most_every=timedelta(seconds=15))
def look_for_closed_consoles(now: datetime) -> None:
    """Mark who closed the last console as away."""
    if marked := mark_absent(at=now):
        logger.info("accounts.marked_absent count=%s", marked)
