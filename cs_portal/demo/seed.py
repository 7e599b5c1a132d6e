"""Seed the demo shop once: people, past, and the keys the player uses."""

from __future__ import annotations

import json
import os
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.services.api_keys import create_api_key
from core.actors import Actor
from core.crypto import decrypt
from core.events import recording_as
from core.folds import FOLDS, advance
from core.models import Company, Job, Origin
from cs_portal.demo.channels import set_channels_up
from cs_portal.demo.desk_setup import DEPARTMENT_STAFF, set_desk_up, tier_customers
from cs_portal.demo.desk_work import DeskWork
from cs_portal.demo.feedback import answer_surveys, plan_visits
from cs_portal.demo.incidents import tell_incidents
from cs_portal.demo.past import Storyteller, people, tell_orders
from cs_portal.demo.people import PASSWORD, PLAYER, STAFF, Cast, make_cast
from cs_portal.demo.phone import set_phone_up
from cs_portal.demo.promising import end_plans, promise_deliveries
from cs_portal.demo.promotions import tell_promotions
from cs_portal.demo.quality import tell_quality
from cs_portal.demo.rules import tell_rules
from cs_portal.demo.trouble import tell_trouble
from cs_portal.demo.twins import tell_twins
from orders.models import Order
from orders.services import renew_hook_secret
from tickets.services.clocks import DUE_JOB
from tickets.services.sla.acting import act_on_due

SCALE = {"orders": 320, "past": 140, "present": 22, "people": 170}
WHOLE = SCALE["orders"]  # a smaller shop has mail alone, no providers of text messages


class AlreadySeeded(RuntimeError):
    """There is a company already; the demo would mix with it."""


def seed(*, now: datetime, scale: dict[str, int] = SCALE, seed_number: int = 20261121) -> dict[str, Any]:
    """Make the demo shop; nothing it tells sends a mail or asks a survey. Raises AlreadySeeded."""
    if Company.objects.exists():
        raise AlreadySeeded
    dice = random.Random(seed_number)
    with transaction.atomic(), recording_as(Origin.DEMO):
        cast = make_cast(now)
        over = promise_deliveries(cast, now)
        orders = tell_orders(cast, people(dice, scale["people"]), scale["orders"], now, dice)
        end_plans(over, cast, now - timedelta(days=10))
        best = tier_customers(orders, now - timedelta(days=40))
        teller = Storyteller(cast, orders, now, dice)
        past = list(teller.tell_past(scale["past"]))
        departments = set_desk_up(cast, best, now)
        teller.tell_present(scale["present"])
        tell_promotions(cast, now)
        tell_rules(cast, now)
        DeskWork(cast, departments, orders, now).tell()
        tell_twins(orders, now)
        if scale["orders"] >= WHOLE:
            set_channels_up(now)
            tell_trouble(orders, now)
        tell_incidents(cast, orders, now)
        phone = set_phone_up(cast, orders, random.Random(seed_number + 4), now)
        answer_surveys(past, dice, now)
        plan_visits(orders, teller.agents, dice, now)
        tell_quality(cast, teller, now, random.Random(seed_number + 5))
        _settle(now)
        doors = _open_doors(cast, now) | {"phone": phone}
    for fold in FOLDS.values():
        advance(fold, now)
    _write(Path(settings.VAR_DIR) / "demo-doors.json", doors)
    _write(
        Path(settings.VAR_DIR) / "demo.json",
        [
            {"role": note, "email": email, "password": PASSWORD, "note": name}
            for email, name, _roles, note in [*STAFF, *((one[0], one[1], (), one[4]) for one in DEPARTMENT_STAFF)]
            if note
        ]
        + [_customer(orders)],
    )
    return {"orders": len(orders), "tickets": scale["past"] + scale["present"]}


def _customer(orders: list[Order]) -> dict[str, str]:
    """Return how to be a customer: an order on its way, with the phone that proves it is hers."""
    order = next(one for one in reversed(orders) if one.phone_enc)
    return {
        "role": "客户 customer",
        "email": order.number,
        "password": decrypt(order.phone_enc or b"")[-11:],
        "note": f"/contact/?shop={order.shop.code}",
    }


def _settle(now: datetime) -> None:
    """Take back what the services owed for the past: its mails count as sent, its due work as done."""
    while owed := list(Job.objects.filter(name=DUE_JOB, due_at__lte=now, state="ready").order_by("due_at", "id")):
        for job in owed:
            act_on_due(**job.payload, at=now)  # deadlines of the past passed in the past
        Job.objects.filter(pk__in=[job.pk for job in owed]).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_job WHERE due_at <= %s", [now])
        cursor.execute("UPDATE accounts_notification SET read_at = %s WHERE read_at IS NULL", [now])
        cursor.execute(
            "UPDATE notifications_delivery SET state = 'sent', sent_at = queued_at, attempts = 1 WHERE state = 'queued'"
        )


def _open_doors(cast: Cast, now: datetime) -> dict[str, Any]:
    admin = cast.staff["admin@demo.example"]
    _key, token = create_api_key(
        name="Demo player",
        scopes=["orders.read", "orders.write", "tickets.read", "tickets.write"],
        shop_ids=[],
        actor=Actor.staff(admin),
        at=now,
    )
    secrets = {
        code: renew_hook_secret(shop_id=shop.pk, actor=Actor.staff(admin), at=now) for code, shop in cast.shops.items()
    }
    return {"api_key": token, "hook_secrets": secrets, "agent": PLAYER, "password": PASSWORD}


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
    half.replace(path)
