"""What shops' systems sent to the webhook door, kept raw until applied and for a while after."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orders.enums import HookState


class InboundHook(models.Model):
    """One signed message of a shop, stored before it is understood; `body_enc` is the encrypted raw body."""

    shop = models.ForeignKey("orders.Shop", on_delete=models.CASCADE, related_name="hooks")
    message_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=40, blank=True, default="")
    body_enc = models.BinaryField(null=True)
    state = models.CharField(max_length=10, choices=HookState, default=HookState.STORED)
    error_code = models.CharField(max_length=40, blank=True, default="")
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_inbound_hook"
        constraints = [
            models.UniqueConstraint(fields=["shop", "message_id"], name="hook_message_once"),
            models.CheckConstraint(condition=Q(state__in=HookState.values), name="hook_state_known"),
        ]
        indexes = [models.Index(fields=["received_at"], name="hook_received")]

    def __str__(self) -> str:
        return f"hook {self.pk}"
