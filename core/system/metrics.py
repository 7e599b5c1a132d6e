"""Prometheus text for scraping."""

from __future__ import annotations

import logging

from django.db import Error, connection
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from core.folds import lag
from core.registry import FIGURES

logger = logging.getLogger(__name__)


def exposition() -> bytes:
    """Return the present gauges; read from the database, so every process gives the same."""
    registry = CollectorRegistry()
    jobs = Gauge("cs_jobs", "Jobs by state", ["state"], registry=registry)
    behind = Gauge("cs_fold_events_behind", "Events above a fold's cursor", ["fold"], registry=registry)
    oldest = Gauge("cs_job_oldest_due_seconds", "Age of the oldest due job", registry=registry)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM core_job WHERE state IN ('ready', 'running', 'quarantined') GROUP BY state"
        )
        for state, count in cursor.fetchall():
            jobs.labels(state).set(count)
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM core_job"
            " WHERE state = 'ready' AND due_at <= now()"
        )
        oldest.set(float(cursor.fetchone()[0]))
    for row in lag():
        behind.labels(row["name"]).set(row["behind"])
    _add_figures(registry)
    return generate_latest(registry)


def _add_figures(registry: CollectorRegistry) -> None:
    """Add the gauges of every app; a probe that fails leaves out its own."""
    gauges: dict[str, Gauge] = {}
    for name, probe in FIGURES.items():
        try:
            figures = probe()
        except Error as error:
            logger.warning("metrics.probe_failed name=%s error=%s", name, type(error).__name__)
            continue
        for figure in figures:
            if figure.name not in gauges:
                gauges[figure.name] = Gauge(figure.name, figure.help, list(figure.labels), registry=registry)
            gauges[figure.name].labels(**figure.labels).set(figure.value)
