"""The Celery application: JSON only, late acknowledgement, no result backend, beat only ticks."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_portal.settings.production")

from django.conf import settings

app = Celery("cs_portal")
app.conf.update(settings.CELERY)
app.conf.beat_schedule = {
    "tick": {"task": "core.tick", "schedule": 2.0, "options": {"expires": 10}},
}
app.conf.beat_scheduler = "celery.beat:Scheduler"
app.autodiscover_tasks()
