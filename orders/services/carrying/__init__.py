"""Writes about what is asked of carriers' providers and what they tell; import from here."""

from orders.services.carrying.accounts import (
    AccountDraft,
    renew_push_token,
    resume_carrier_account,
    save_carrier_account,
    stop_carrier_account,
    try_carrier_account,
)
from orders.services.carrying.asking import ask_due, push_url
from orders.services.carrying.following import (
    correct_company,
    end_arrived,
    follow_again,
    follow_parcels,
    note_heard,
    sweep_ended,
)
from orders.services.carrying.owing import owe_due_asking
from orders.services.carrying.pushes import (
    account_of,
    apply_push,
    owe_left_pushes,
    owe_pushes,
    replay_push,
    store_push,
    sweep_pushes,
)

__all__ = [
    "AccountDraft",
    "account_of",
    "apply_push",
    "ask_due",
    "correct_company",
    "end_arrived",
    "follow_again",
    "follow_parcels",
    "note_heard",
    "owe_due_asking",
    "owe_left_pushes",
    "owe_pushes",
    "push_url",
    "renew_push_token",
    "replay_push",
    "resume_carrier_account",
    "save_carrier_account",
    "stop_carrier_account",
    "store_push",
    "sweep_ended",
    "sweep_pushes",
    "try_carrier_account",
]
