"""The Celery application: JSON only, late acknowledgement, no result backend, beat only ticks."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_portal.settings.production")

from django.conf import settings

app = Celery("cs_portal")
app.conf.update(settings.CELERY)
app.conf.beat_schedule = {
    "tick": {"task": "core.tick", "schedule": 2.0, "options": {"expires": 10}},
}
app.conf.beat_scheduler = "celery.beat:Scheduler"
app.autodiscover_tasks()

# On a machine with few cores a job gives way to the page somebody waits for.
NICENESS = 5


@worker_init.connect
def load_dictionaries(**_: Any) -> None:
    """Load what sorts Chinese names (50 MB) before the worker forks, so that its processes share one copy."""
    from core.text import pinyin_key

    pinyin_key("你好")


@worker_init.connect
def give_way(**_: Any) -> None:
    """Let pages go first; the processes of the worker inherit it."""
    os.nice(NICENESS)
