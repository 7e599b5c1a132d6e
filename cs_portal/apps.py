"""Load the Celery application with Django, so that shared tasks find their broker in every process."""

from importlib import import_module

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project itself; it has no models."""

    name = "cs_portal"

    def ready(self) -> None:
        """Import the Celery application once settings are there."""
        import_module("cs_portal.celery")
