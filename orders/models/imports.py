"""File imports: the file, how its columns were matched, what became of its rows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from orders.enums import ImportKind, ImportState


class ImportMapping(models.Model):
    """How a shop's file columns are matched to our fields; remembered by the set of its headings."""

    shop = models.ForeignKey("orders.Shop", on_delete=models.CASCADE, related_name="import_mappings")
    kind = models.CharField(max_length=12, choices=ImportKind, default=ImportKind.ORDERS, db_default="orders")
    headings_hash = models.BinaryField(max_length=32)
    columns = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_import_mapping"
        constraints = [
            models.UniqueConstraint(fields=["shop", "kind", "headings_hash"], name="import_mapping_per_headings")
        ]

    def __str__(self) -> str:
        return f"mapping {self.pk}"


class ImportRun(models.Model):
    """One file on its way in: checked dry first, then imported in resumable batches; counts are of rows and of what
    they tell of: orders, or by the kind of file lines, parcels, products, customers (the columns keep their names).

    `orders_done` orders (in the order in which the file completes them) are in: where a stopped import goes on.
    """

    event_type = "import_run"

    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, related_name="import_runs")
    kind = models.CharField(max_length=12, choices=ImportKind, default=ImportKind.ORDERS, db_default="orders")
    file_name = models.CharField(max_length=200)
    file_key = models.CharField(max_length=120)
    file_size = models.BigIntegerField()
    file_hash = models.BinaryField(max_length=32)
    file_format = models.CharField(max_length=8)
    encoding = models.CharField(max_length=16, blank=True, default="")
    headings = models.JSONField(default=list)
    columns = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    live_from = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=ImportState, default=ImportState.UPLOADED)
    rows_total = models.IntegerField(default=0)
    rows_read = models.IntegerField(default=0)
    rows_bad = models.IntegerField(default=0)
    orders_total = models.IntegerField(default=0)
    orders_done = models.IntegerField(default=0)
    orders_bad = models.IntegerField(default=0)
    orders_new = models.IntegerField(default=0)
    orders_changed = models.IntegerField(default=0)
    orders_same = models.IntegerField(default=0)
    preview = models.JSONField(default=dict)
    failure_code = models.CharField(max_length=40, blank=True, default="")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="import_runs",
    )
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    checked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "orders_import_run"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="import_state_known"),
            models.CheckConstraint(condition=Q(kind__in=ImportKind.values), name="import_kind_known"),
        ]
        indexes = [
            models.Index(
                fields=["-id"],
                name="import_open",
                condition=Q(state__in=["checking", "running"]),
            )
        ]

    def __str__(self) -> str:
        return self.file_name

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this import belong to."""
        return {"shop_id": self.shop_id}


class ImportRowError(models.Model):
    """Why one row was refused: row number as in the file (1 = headings), column heading, code with its values.

    `cells_enc` is the encrypted JSON list of the row's original cells, for the download of refused rows.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="row_errors")
    row = models.IntegerField()
    column = models.CharField(max_length=120, blank=True, default="")
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    cells_enc = models.BinaryField(null=True)

    class Meta:
        db_table = "orders_import_row_error"
        indexes = [models.Index(fields=["run", "row"], name="import_error_row")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.code}"
