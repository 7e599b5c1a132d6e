"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KpiConfig(AppConfig):
    """Register the app."""

    name = "kpi"
    verbose_name = _("KPIs")
