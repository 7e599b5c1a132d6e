"""Automation rules' work: one reaction for all of them, what is due when time is over, batches, trials."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core.jobs import RunningJob, job
from core.models import Event
from core.reactions import reacts_to
from tickets.services.rules.arming import arm_part
from tickets.services.rules.editing import ARM_JOB
from tickets.services.rules.engine import ask_rules, ask_timed_rule
from tickets.services.rules.timers import DUE_JOB
from tickets.services.rules.trying import TRY_JOB, try_part
from tickets.services.rules.wanted import KINDS, is_wanted


@reacts_to(*KINDS, name="tickets.ask_rules", when=is_wanted)
def ask(event: Event) -> None:
    """Ask the rules about what happened; no job is written while none listens."""
    ask_rules(event=event, at=timezone.now())


@job(DUE_JOB)
def rule_due(*, job: RunningJob, timer_id: int) -> None:
    """Ask a rule whose time is over."""
    ask_timed_rule(timer_id=timer_id, at=timezone.now())


@job(ARM_JOB)
def rule_arm(*, job: RunningJob, rule_id: int, after: int) -> None:
    """Let some waits follow a rule that was switched or saved, then owe the next."""
    arm_part(rule_id=rule_id, after=after, at=timezone.now())


@job(TRY_JOB, lease=timedelta(minutes=2))
def rule_try(*, job: RunningJob, trial_id: int) -> None:
    """Play some past tickets, then owe the next."""
    try_part(trial_id=trial_id, at=timezone.now())
