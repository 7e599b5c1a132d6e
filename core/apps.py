"""App configuration: load what every app declares."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    """Load events, reactions, jobs and registrations of all apps once the models are there."""

    name = "core"
    verbose_name = _("Core")

    def ready(self) -> None:
        """Import the declaration modules of every app, in that order."""
        from core import checks, schema  # noqa: F401

        for module in ("events", "jobs", "reactions", "registrations"):
            autodiscover_modules(module)
