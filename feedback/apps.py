"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FeedbackConfig(AppConfig):
    """Register the app."""

    name = "feedback"
    verbose_name = _("Feedback")
