"""Locking out who guesses, and the mail for who forgot."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Staff
from core import ratelimit
from core.jobs import schedule

logger = logging.getLogger(__name__)

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 8
PER_ADDRESS = 60
SECOND_FACTOR = 6
RESETS_PER_ACCOUNT = 3
RESETS_PER_ADDRESS = 20


def count_sign_in(*, email: str, ip: str) -> None:
    """Count an attempt before the password is looked at, so that parallel guesses cannot slip through.

    Known and unknown accounts are counted alike. Raises RateLimited.
    """
    ratelimit.check("sign-in.ip", ip, limit=PER_ADDRESS, period=WINDOW)
    ratelimit.check("sign-in.account", email.strip().lower(), limit=PER_ACCOUNT, period=WINDOW)


def forgive_sign_in(*, email: str, ip: str) -> None:
    """Take back the count of an attempt that was right; earlier wrong ones stay counted."""
    ratelimit.refund("sign-in.ip", ip, period=WINDOW)
    ratelimit.refund("sign-in.account", email.strip().lower(), period=WINDOW)


def count_second_factor(*, staff_id: int) -> None:
    """Count a code before it is looked at. Raises RateLimited."""
    ratelimit.check("second-factor", str(staff_id), limit=SECOND_FACTOR, period=WINDOW)


def forgive_second_factor(*, staff_id: int) -> None:
    """Take back the count of a code that was right."""
    ratelimit.refund("second-factor", str(staff_id), period=WINDOW)


def use_code_once(*, staff_id: int, code: str) -> None:
    """Let each time-based code through once, whichever process sees it. Raises RateLimited the second time."""
    ratelimit.check("second-factor.used", f"{staff_id}:{code}", limit=1, period=timedelta(hours=1))


def request_password_reset(*, email: str, ip: str, at: datetime) -> None:
    """Owe a reset mail to an active account with this address; for any other address nothing, and nobody can tell.

    The mail leaves in a job, so the answer takes as long for a stranger's address. Raises RateLimited.
    """
    address = email.strip().lower()
    ratelimit.check("reset.ip", ip, limit=RESETS_PER_ADDRESS, period=WINDOW)
    ratelimit.check("reset.account", address, limit=RESETS_PER_ACCOUNT, period=WINDOW)
    staff = Staff.objects.filter(email=address, is_active=True).first()
    if staff is not None:
        _owe_reset_mail(staff, at)
    logger.info("accounts.reset_requested")


@transaction.atomic
def _owe_reset_mail(staff: Staff, at: datetime) -> None:
    schedule(
        "accounts.send_password_reset",
        key=f"reset:{staff.pk}:{at.timestamp():.6f}",
        due_at=at,
        payload={"staff_id": staff.pk},
    )
