"""Prometheus text for scraping."""

from __future__ import annotations

from django.db import connection
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from core.folds import lag


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
    return generate_latest(registry)
