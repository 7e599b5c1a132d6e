"""Wake the workers after commit. Only a hint: the sweeper at the next tick finds what a lost hint left."""

from __future__ import annotations

import logging

from django.db import connection, transaction

logger = logging.getLogger(__name__)


def wake_workers() -> None:
    """Ask a worker to drain the queue once this transaction has committed (once per transaction)."""
    hooks = [hook[1] for hook in connection.run_on_commit]
    if _send_wake not in hooks:
        transaction.on_commit(_send_wake, robust=True)


def _send_wake() -> None:
    from core.tasks import drain_jobs

    try:
        drain_jobs.apply_async(retry=False, expires=30)
    except Exception as error:  # noqa: BLE001 - a broker is down in a dozen ways; the row is committed, the tick finds it
        logger.warning("jobs.wake_failed error=%s", type(error.__cause__ or error).__name__)
