"""Read the state of the machinery."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from core.events.partitions import month_number, partition_name
from core.jobs.clock import period_start
from core.jobs.registry import JOBS, PERIODIC
from core.models import Job, JobState, Period
from core.registry import HEALTH
from core.ui.times import when

logger = logging.getLogger(__name__)
TICK_GRACE = timedelta(minutes=2)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def queue_by_name() -> list[dict[str, Any]]:
    """Return per job name how many are due, waiting for later, failing and running; names with none are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT name, count(*) FILTER (WHERE state = 'ready' AND due_at <= now() AND retry_at IS NULL),
                      count(*) FILTER (WHERE state = 'ready' AND due_at > now()),
                      count(*) FILTER (WHERE state = 'ready' AND retry_at IS NOT NULL),
                      count(*) FILTER (WHERE state = 'running'),
                      min(due_at) FILTER (WHERE state = 'ready' AND due_at <= now())
                 FROM core_job WHERE state IN ('ready', 'running') GROUP BY name ORDER BY 2 DESC, name"""
        )
        names = ("name", "due", "later", "failing", "running", "oldest")
        return [{**dict(zip(names, row, strict=True)), "is_known": row[0] in JOBS} for row in cursor.fetchall()]


def quarantined(limit: int = 100) -> list[Job]:
    """Return the newest jobs in quarantine."""
    return list(Job.objects.filter(state=JobState.QUARANTINED).order_by("-id")[:limit])


def own_health() -> list[dict[str, Any]]:
    """Return the core's lines for the system page."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT count(*) FROM core_job WHERE state IN ('ready', 'running') AND due_at <= now()),
                      (SELECT min(due_at) FROM core_job WHERE state = 'ready' AND due_at <= now() AND retry_at IS NULL),
                      (SELECT count(*) FROM core_job WHERE state = 'quarantined'),
                      pg_database_size(current_database()),
                      (SELECT max(now() - xact_start) FROM pg_stat_activity
                        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()),
                      to_regclass(%s) IS NOT NULL, version()""",
            [partition_name(month_number((now + timedelta(days=20)).date()))],
        )
        due, oldest, quarantine, size, longest, has_next, version = cursor.fetchone()
    waiting = now - oldest if oldest else timedelta(0)
    begun = dict(Period.objects.filter(name__in=PERIODIC).values_list("name", "last_start"))
    is_silent = any(
        begun.get(item.name, EVER) < period_start(now - TICK_GRACE, item.every) for item in PERIODIC.values()
    )
    return [
        _line(
            _("Work due"),
            str(due),
            "bad" if waiting > timedelta(minutes=5) else "warn" if waiting > timedelta(minutes=1) else "ok",
            _("The oldest has waited for %(seconds)s s. Is a worker running?")
            % {"seconds": int(waiting.total_seconds())}
            if waiting > timedelta(minutes=1)
            else "",
        ),
        _line(_("In quarantine"), str(quarantine), "bad" if quarantine else "ok", ""),
        _line(
            _("Oldest write transaction"),
            f"{longest.total_seconds():.0f} s" if longest else "–",
            "warn" if longest and longest > timedelta(seconds=5) else "ok",
            _("It holds the figures back.") if longest and longest > timedelta(seconds=5) else "",
        ),
        _line(
            _("Partitions of the log"),
            _("ready") if has_next else _("next month is missing"),
            "ok" if has_next else "warn",
            "",
        ),
        _line(
            _("Clock of periodic work"),
            (_("on time") if not is_silent else when(max(begun.values()))) if begun else _("No tick yet."),
            "bad" if is_silent else "ok",
            _("Periodic work is late. Is the ticker running?") if is_silent else "",
        ),
        _line(_("Live bus"), *_bus()),
        _line(_("Database"), f"{size / 2**20:.0f} MB · {version.split(' on ')[0]}", "ok", ""),
        _line(_("Version"), settings.PRODUCT_VERSION, "ok", ""),
    ]


def all_health() -> list[dict[str, Any]]:
    """Return the lines of every app; a probe that fails is a line of its own."""
    lines = own_health()
    for name, probe in HEALTH.items():
        try:
            lines.extend(probe())
        except Exception as error:  # noqa: BLE001 - a broken probe is itself a finding, never a broken page
            logger.warning("health.probe_failed name=%s error=%s", name, type(error).__name__)
            lines.append(_line(name, _("cannot be read"), "bad", type(error).__name__))
    return lines


def _line(label: str, value: str, state: str, hint: str) -> dict[str, Any]:
    return {"label": label, "value": value, "state": state, "hint": hint}


def _bus() -> tuple[str, str, str]:
    import redis

    try:
        client = redis.Redis.from_url(settings.LAYER_URL, socket_timeout=1, socket_connect_timeout=1)
        client.ping()
    except redis.RedisError:
        return _("unreachable"), "bad", _("Pages fall back to looking again every few seconds. Nothing is lost.")
    return _("reachable"), "ok", ""
