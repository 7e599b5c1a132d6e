"""Addresses of core's own pages."""

from django.urls import path

from core.calendar.urls import urlpatterns as calendar_urls
from core.http.doors import staff_only
from core.views import home, system

app_name = "core"
urlpatterns = [
    path("", home.front, name="front"),
    path("settings/", staff_only("desk.use")(home.settings_hub), name="settings"),
    path("system/", system.system, name="system"),
    path("system/jobs/<int:job_id>/replay/", system.replay, name="replay_job"),
    path("system/jobs/<int:job_id>/discard/", system.discard, name="discard_job"),
    *calendar_urls,
]
