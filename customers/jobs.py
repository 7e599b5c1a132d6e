"""Upkeep of the customers app."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, job, periodic
from customers.services.codes import SEND, forget_codes, send_code
from customers.services.duplicates import FIND_JOB, find_duplicates
from customers.services.own_sessions import forget_own_sessions


@periodic("customers.forget_codes", every=timedelta(hours=6), fill=False)
def forget_old_codes(*, period_start: datetime) -> None:
    """Drop one-time codes and pages that nobody can use any more."""
    forget_codes(now=timezone.now())
    forget_own_sessions(now=timezone.now())


@job(SEND)
def send_owed_code(*, job: RunningJob, code_id: int, language: str) -> None:
    """Make and queue a code somebody asked for."""
    send_code(code_id=code_id, language=language, at=timezone.now())


@job(FIND_JOB, outside=True)
def find(*, job: RunningJob) -> None:
    """Look for duplicates because somebody asked."""
    find_duplicates(at=timezone.now())


@periodic("customers.find_duplicates_now_and_then", every=timedelta(hours=3), fill=False, outside=True)
def find_regularly(*, period_start: datetime) -> None:
    """Look for duplicates now and then."""
    find_duplicates(at=timezone.now())
