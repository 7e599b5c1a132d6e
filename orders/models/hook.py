"""What shops' systems sent to the webhook door, kept raw until applied and for a while after."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orders.enums import HookState


class InboundHook(models.Model):
    """One signed message of a shop, stored before it is understood; `body_enc` is the encrypted raw body.

    Of a shop system (`connection`) the message id is a digest of the signed body: headers are not signed. `topic` and
    `delivery_id` are what its headers said; `source_id` is the order it tells of; `problems` say what was refused.
    """

    event_type = "inbound_hook"

    shop = models.ForeignKey("orders.Shop", on_delete=models.CASCADE, related_name="hooks")
    connection = models.ForeignKey("orders.ShopConnection", on_delete=models.CASCADE, null=True, related_name="hooks")
    message_id = models.CharField(max_length=255)
    topic = models.CharField(max_length=60, blank=True, default="", db_default="")
    delivery_id = models.CharField(max_length=80, blank=True, default="", db_default="")
    source_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    size = models.PositiveIntegerField(default=0, db_default=0)
    problems = models.JSONField(default=list, db_default=[])
    replays = models.PositiveSmallIntegerField(default=0, db_default=0)
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
        indexes = [
            models.Index(fields=["received_at"], name="hook_received"),
            models.Index(fields=["shop", "-id"], name="hook_of_shop"),
            models.Index(fields=["connection", "source_id"], name="hook_of_source", condition=~Q(source_id="")),
        ]

    def __str__(self) -> str:
        return f"hook {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this message belong to."""
        return {"shop_id": self.shop_id}
