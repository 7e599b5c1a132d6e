"""Background work of the orders app: thin leaves, one service call each."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone
from rest_framework.exceptions import ValidationError

from core.actors import SYSTEM, Actor, ActorType
from core.errors import InvalidInput, NotFound
from core.jobs import RunningJob, every_tick, job, periodic, schedule, went_on
from orders import services
from orders.api.serializers import OrderIn
from orders.api.views import take_scans
from orders.models import InboundHook, Order
from orders.services import hooks, imports, sources


@job("orders.check_import", outside=True)
def check_import(*, job: RunningJob, run_id: int) -> None:
    """Read a file dry."""
    imports.check_import(run_id=run_id, at=timezone.now())


@job("orders.run_import", outside=True)
def run_import(*, job: RunningJob, run_id: int) -> None:
    """Import for half a minute, then let others have a turn."""
    imports.import_slice(run_id=run_id, at=timezone.now(), went_on=partial(went_on, job))


@every_tick("orders.complete_due", at_most_every=timedelta(seconds=30))
def complete_due(now: datetime) -> None:
    """Complete orders that were delivered long enough ago."""
    services.complete_due_orders(at=now)


@periodic("orders.sweep_imports", every=timedelta(hours=6), fill=False)
def sweep_imports(*, period_start: datetime) -> None:
    """Clear away files and refused rows nobody needs any more."""
    imports.sweep_imports(at=timezone.now())


@periodic("orders.sweep_hooks", every=timedelta(days=1), fill=False)
def sweep_hooks(*, period_start: datetime) -> None:
    """Delete webhook messages after a month."""
    hooks.sweep_hooks(at=timezone.now())


@job("orders.apply_hook")
def apply_hook(*, job: RunningJob, hook_id: int) -> None:
    """Apply one stored webhook message, of a shop system or in our own form."""
    if not sources.apply_message(hook_id=hook_id, at=timezone.now()):
        hooks.apply_hook(hook_id=hook_id, apply=_apply, at=timezone.now())


@job("orders.mirror_names")
def mirror_names(*, job: RunningJob, key: str, after: int = 0) -> None:
    """Bring orders in line with a carrier's name that was just matched, a batch at a time."""
    now = timezone.now()
    last = sources.mirror_waiting_names(key=key, actor=SYSTEM, at=now, after=after)
    if last:
        schedule("orders.mirror_names", key=f"{job.id}:{last}", due_at=now, payload={"key": key, "after": last})


def _apply(hook: InboundHook, body: str) -> str:
    """Read a message and do what it says; returns its kind. Raises DomainError for what cannot be taken."""
    told = json.loads(body)
    kind, data = told.get("type"), told.get("data")
    actor, shop = Actor(ActorType.API, None), hook.shop
    if not isinstance(data, dict):
        raise InvalidInput(code="hook_without_data")
    try:
        if kind == "order.upserted":
            reader = OrderIn(data={**data, "shop": shop.code})
            reader.is_valid(raise_exception=True)
            order = reader.to_data(shop, reader.validated_data)
            services.upsert_order(shop_id=shop.pk, data=order, actor=actor, at=hook.received_at, source="hook")
        elif kind == "parcel.scanned":
            tracking = data.get("tracking_number")
            if not isinstance(tracking, str):
                raise NotFound
            rest = {key: value for key, value in data.items() if key != "tracking_number"}
            take_scans(Order.objects.filter(shop=shop), tracking, rest, actor, hook.received_at)
        else:
            raise InvalidInput(code="hook_of_unknown_type")
    except ValidationError as wrong:
        raise InvalidInput(code="hook_invalid") from wrong
    return str(kind)
