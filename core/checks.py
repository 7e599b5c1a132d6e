"""System checks for mistakes Django does not look for; run by `manage.py check --deploy`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.checks import Warning as Caution


@register(Tags.security, deploy=True)
def check_production(app_configs: Any, **kwargs: Any) -> list[Any]:
    """Find settings that would hurt in production."""
    found: list[Any] = []
    if "*" in settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS must name the hosts.", id="cs.E001"))
    if settings.TRIAL:
        found.append(Error("TRIAL shows all mail to everyone; switch it off.", id="cs.E002"))
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append(Error("PUBLIC_URL must start with https://.", id="cs.E003"))
    celery: dict[str, Any] = settings.CELERY
    if celery.get("accept_content") != ["json"] or not celery.get("task_acks_late"):
        found.append(Error("Celery must take JSON only and acknowledge late.", id="cs.E004"))
    options = celery["broker_transport_options"]
    if options["socket_timeout"] <= 5:
        found.append(Error("socket_timeout of the broker must be above 5 s.", id="cs.E005"))
    if celery["task_time_limit"] >= options["visibility_timeout"]:
        found.append(Error("task_time_limit must lie below the visibility timeout.", id="cs.E006"))
    if "AllowAny" in str(settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"]):
        found.append(Error("The API must be closed by default.", id="cs.E007"))
    if "Browsable" in str(settings.REST_FRAMEWORK["DEFAULT_RENDERER_CLASSES"]):
        found.append(Error("The browsable API must be off.", id="cs.E008"))
    if not settings.SESSION_COOKIE_NAME.startswith("__Host-"):
        found.append(Error("The session cookie must be bound to the host (__Host-).", id="cs.E009"))
    if settings.DATABASES["default"]["OPTIONS"].get("pool") and settings.DATABASES["default"]["CONN_MAX_AGE"] != 0:
        found.append(Error("A pooled database needs CONN_MAX_AGE 0.", id="cs.E010"))
    if settings.REDIS_URL == settings.LAYER_URL:
        found.append(Caution("Broker and live bus share one database.", id="cs.W001"))
    return found
