"""Where a promotion was told of."""

from django.db import models
from django.utils.translation import pgettext_lazy


class PromotionSource(models.TextChoices):
    """Who told of a promotion."""

    API = "api", pgettext_lazy("promotion source", "API")
    FILE = "file", pgettext_lazy("promotion source", "File")
    HAND = "hand", pgettext_lazy("promotion source", "By hand")
