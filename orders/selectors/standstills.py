"""Standstills as the pages of their incidents read them."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from orders.incident_enums import ClusterLevel
from orders.models import FoundCluster, Incident


def find_cluster(incident: Incident) -> FoundCluster | None:
    """Return what the system found, None for an incident a person declared (without a statement)."""
    if incident.declared_by_id is not None:
        return None
    return FoundCluster.objects.select_related("carrier").filter(incident=incident).first()


def standstill_words(cluster: FoundCluster) -> str:
    """Return why it was found, with its figures, in one sentence."""
    words = {
        ClusterLevel.CARRIER: _(
            "%(carrier)s: %(silent)s of %(all)s parcels under way were silent for longer than their lanes know"
            " (usual: up to %(usual)s%%)."
        ),
        ClusterLevel.HUB: _(
            "%(carrier)s, %(place)s: %(silent)s of the %(all)s parcels last seen there were silent for longer than"
            " their lanes know (usual: up to %(usual)s%%)."
        ),
        ClusterLevel.LANE: _(
            "%(carrier)s, %(place)s: %(silent)s of the %(all)s parcels on this lane were silent for longer than it"
            " knows (usual: up to %(usual)s%%)."
        ),
    }[ClusterLevel(cluster.level)]
    return words % {
        "carrier": cluster.carrier.name, "place": cluster.place, "silent": number_format(cluster.silent),
        "all": number_format(cluster.under_way), "usual": number_format(round(cluster.usual * 100)),
    }  # fmt: skip
