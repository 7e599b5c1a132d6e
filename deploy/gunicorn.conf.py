"""How gunicorn serves pages in production; the proxy in front keeps slow clients away from the threads."""

import multiprocessing
from typing import Any

bind = "0.0.0.0:8000"
worker_class = "gthread"
workers = max(2, multiprocessing.cpu_count())
threads = 4
timeout = 35
graceful_timeout = 20
keepalive = 75
max_requests = 5000
max_requests_jitter = 500
worker_tmp_dir = "/dev/shm"
forwarded_allow_ips = "*"  # only the proxy reaches this port
accesslog = None
errorlog = "-"
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    """Build the business hours before the first page asks; when the database is not there yet, the page does."""
    from django.db import Error, connection

    from core.calendar.selectors import warm_calendars
    from cs_portal.runtime.collector import spare_the_collector

    try:
        warm_calendars()
    except Error:
        worker.log.warning("business hours are not read yet")
    finally:
        connection.close()
    spare_the_collector()
