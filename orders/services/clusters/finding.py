"""Find standstills and follow them: each open once, by a unique index, whoever looks and however often.

A look reads, then writes each standstill in a transaction of its own. What is silent at a known one joins it, what is
heard of again is marked; when few are left, closing is proposed. A look that runs twice, late or beside another one
finds what it would write already there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Staff
from accounts.permissions import Permission, shop_scope
from accounts.selectors import staff_here, staff_with
from accounts.services import notify
from core.actors import SYSTEM
from core.events import Code, record
from orders.cluster_events import ClusterFound, ClusterStood
from orders.incident_enums import INCIDENT_OPEN, ClusterLevel, IncidentKind
from orders.models import AffectedOrder, Carrier, FoundCluster, Incident
from orders.services.clusters.judging import (
    LEAST,
    Key,
    Silent,
    Standstill,
    find_standstills,
    has_dissolved,
    join_known,
)
from orders.services.clusters.reading import crowd_of, silent_now
from orders.services.incidents.attaching import attach_all, start_attaching
from orders.services.incidents.declaring import IncidentDraft, announce_incident, declare_incident, incident_url

logger = logging.getLogger(__name__)
ATTACH_SECONDS = 5.0


def find_clusters(*, at: datetime) -> int:
    """Look for standstills and follow the known ones; return how many were newly found."""
    silent = silent_now(at)
    known = {_key(row): row for row in FoundCluster.objects.filter(ended_at=None).order_by("pk")}
    joined, rest = join_known(silent, known)
    for key, cluster in known.items():
        _follow(cluster, joined[key], at)
    found = 0
    least = min(LEAST.values())
    for carrier_id in sorted({one.spot.carrier_id for one in rest}):
        mine = [one for one in rest if one.spot.carrier_id == carrier_id]
        if len(mine) < least:
            continue
        for one in find_standstills(mine, _left(crowd_of([carrier_id], at), known)):
            found += _open(one, at)
    if found:
        logger.info("clusters.found count=%s", found)
    return found


def _left(crowd: dict, known: Iterable[Key]) -> dict:
    """Return those under way that no known standstill holds."""
    keys = set(known)
    return {spot: n for spot, n in crowd.items() if not any(spot.key(level) in keys for level in ClusterLevel)}


def _key(row: FoundCluster) -> Key:
    return Key(row.carrier_id, str(row.level), row.place)


def _open(found: Standstill, at: datetime) -> bool:
    """Open the incident of a standstill; return whether it is new. A dismissed one rests until its time."""
    owner = _find_owner()
    if owner is None:
        logger.warning("clusters.nobody_to_own carrier=%s level=%s", found.key.carrier_id, found.key.level)
        return False
    try:
        with transaction.atomic():
            cluster = _insert(found, owner, at)
            if cluster is None:
                return False
    except IntegrityError:  # another look found it at the same time
        return False
    _attach(cluster, found.members, at)
    return True


def _insert(found: Standstill, owner: Staff, at: datetime) -> FoundCluster | None:
    key, count = found.key, len(found.members)
    carrier = Carrier.objects.get(pk=key.carrier_id)
    draft = IncidentDraft(_title(carrier, key), IncidentKind.HUB_STUCK, owner.pk)
    incident = declare_incident(draft=draft, actor=SYSTEM, at=at)
    cluster = FoundCluster.objects.create(
        incident=incident, carrier=carrier, level=key.level, place=key.place, found_at=at, silent=count,
        under_way=found.under_way, usual=found.usual, peak=count, still=count, looked_at=at,
    )  # fmt: skip
    # Asked after the insert: the unique index has waited for whoever was dismissing it.
    same = FoundCluster.objects.filter(carrier=carrier, level=key.level, place=key.place)
    if same.filter(dismissed_until__gt=at).exists():
        transaction.set_rollback(True)
        return None
    data = ClusterFound(carrier.pk, Code(carrier.code), Code(key.level), count, found.under_way)
    record("incident.found", subject=incident, actor=SYSTEM, at=at, data=data)
    return cluster


def _title(carrier: Carrier, key: Key) -> str:
    with translation.override(settings.LANGUAGE_CODE):
        words = {
            ClusterLevel.CARRIER: _("%(carrier)s: parcels stand still"),
            ClusterLevel.HUB: _("%(carrier)s: parcels stand still at %(place)s"),
            ClusterLevel.LANE: _("%(carrier)s: parcels stand still on %(place)s"),
        }[ClusterLevel(key.level)]
        return (words % {"carrier": carrier.name, "place": key.place})[:120]


def _find_owner() -> Staff | None:
    """Return who gets a finding: of those who steer incidents of all shops, who is here, then who has the fewest."""
    able = [one for one in staff_with(Permission.INCIDENT_MANAGE) if shop_scope(one) is None]
    if not able:
        return None
    here = set(staff_here().values_list("pk", flat=True))
    rows = Incident.objects.filter(state__in=INCIDENT_OPEN, owner__in=able).order_by()
    load = dict(rows.values_list("owner").annotate(n=Count("pk")))
    return min(able, key=lambda one: (one.pk not in here, load.get(one.pk, 0), one.pk))


def _attach(cluster: FoundCluster, members: Iterable[Silent], at: datetime) -> None:
    """Attach the orders that are not there yet; the same newcomers twice are one search."""
    ids = {one.order_id for one in members}
    known = AffectedOrder.objects.filter(incident_id=cluster.incident_id, order_id__in=ids)
    fresh = sorted(ids - set(known.values_list("order_id", flat=True)))
    if not fresh:
        return
    client_id = uuid5(NAMESPACE_URL, f"cluster:{cluster.pk}:{','.join(map(str, fresh))}")
    run = start_attaching(
        incident_id=cluster.incident_id, conditions={"ids": fresh}, client_id=client_id, actor=SYSTEM, at=at,
        version=None,
    )  # fmt: skip
    attach_all(run_id=run.pk, seconds=ATTACH_SECONDS)


def _follow(cluster: FoundCluster, members: list[Silent], at: datetime) -> None:
    """Take in who is silent there now and mark who moves again."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update(no_key=True).get(pk=cluster.incident_id)
        row = FoundCluster.objects.select_for_update(no_key=True).filter(pk=cluster.pk, ended_at=None).first()
        if row is None or row.looked_at > at:
            return
        still = {one.order_id for one in members}
        inside = AffectedOrder.objects.filter(incident=incident)
        moving = inside.filter(moving_at=None).exclude(order_id__in=still).update(moving_at=at)
        back = inside.filter(moving_at__isnull=False, order_id__in=still).update(moving_at=None)
        before, was = row.dissolved_at, row.still
        row.still, row.peak, row.looked_at = len(members), max(row.peak, len(members)), at
        row.dissolved_at = (before or at) if has_dissolved(row.still, row.peak) else None
        row.save(update_fields=["still", "peak", "looked_at", "dissolved_at"])
        if (before is None) != (row.dissolved_at is None):
            _tell(incident, row, at)
        elif moving or back or was != row.still:
            announce_incident(incident)
    _attach(row, members, at)


def _tell(incident: Incident, row: FoundCluster, at: datetime) -> None:
    """Write down that a standstill dissolved or came back; its owner hears that it may be closed."""
    kind = "incident.dissolved" if row.dissolved_at else "incident.stands_again"
    record(kind, subject=incident, actor=SYSTEM, at=at, data=ClusterStood(row.still, row.peak))
    if row.dissolved_at:
        params = {"incident_id": incident.pk}
        url = incident_url(incident.pk)
        notify(staff_id=incident.owner_id, kind="incident.dissolved", params=params, url=url, at=at)
    announce_incident(incident)
