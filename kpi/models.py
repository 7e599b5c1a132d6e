"""Facts, their roll-up and the targets a supervisor set."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp


class Dimensioned(models.Model):
    """Where a fact is counted, as it stood at the fact's own event; null = does not apply or not known."""

    day = models.DateField()
    shop_id = models.BigIntegerField(null=True)
    team_id = models.BigIntegerField(null=True)
    agent_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=16, null=True)  # noqa: DJ001
    category = models.CharField(max_length=40, null=True)  # noqa: DJ001
    stage = models.CharField(max_length=16, null=True)  # noqa: DJ001
    priority = models.SmallIntegerField(null=True)
    tier = models.CharField(max_length=16, null=True)  # noqa: DJ001
    survey = models.CharField(max_length=40, null=True)  # noqa: DJ001

    class Meta:
        abstract = True


class Fact(Dimensioned):
    """What one counted thing last contributed to a metric. Rebuilt from the event log at will.

    `fact_key` is unique per metric (`ticket:17`, `event:123`); `value` is the measured quantity (seconds, score),
    `numerator`/`denominator` the parts of a ratio.
    """

    fold = models.CharField(max_length=24)
    version = models.SmallIntegerField()
    metric = models.CharField(max_length=40)
    fact_key = models.CharField(max_length=40)
    root_id = models.BigIntegerField()
    at = models.DateTimeField()
    event_id = models.BigIntegerField()
    ticket_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    value = models.DecimalField(max_digits=20, decimal_places=3, null=True)
    numerator = models.DecimalField(max_digits=20, decimal_places=3, default=1)
    denominator = models.DecimalField(max_digits=20, decimal_places=3, default=1)

    class Meta:
        db_table = "kpi_fact"
        constraints = [models.UniqueConstraint(fields=["version", "metric", "fact_key"], name="fact_once")]
        indexes = [
            models.Index(fields=["metric", "version", "day"], include=["shop_id", "value"], name="fact_metric_values"),
            models.Index(fields=["fold", "version", "root_id"], name="fact_root"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.fact_key}"


class Rollup(Dimensioned):
    """Sums over facts by day, all dimensions and bucket: for figures narrowed by team, channel and the like."""

    version = models.SmallIntegerField()
    metric = models.CharField(max_length=40)
    bucket = models.SmallIntegerField(null=True)
    n = models.BigIntegerField(default=0)
    value_sum = models.DecimalField(max_digits=24, decimal_places=3, default=0)
    numerator = models.DecimalField(max_digits=24, decimal_places=3, default=0)
    denominator = models.DecimalField(max_digits=24, decimal_places=3, default=0)

    class Meta:
        db_table = "kpi_rollup"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "metric",
                    "version",
                    "day",
                    "bucket",
                    "shop_id",
                    "team_id",
                    "agent_id",
                    "channel",
                    "category",
                    "stage",
                    "priority",
                    "tier",
                    "survey",
                ],
                name="rollup_cell",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.day}"


class ShopDay(models.Model):
    """What one day of one shop comes to in one metric: the roll-up of figures narrowed to nothing but shops."""

    version = models.SmallIntegerField()
    metric = models.CharField(max_length=40)
    day = models.DateField()
    shop_id = models.BigIntegerField(null=True)
    n = models.BigIntegerField(default=0)
    value_sum = models.DecimalField(max_digits=24, decimal_places=3, default=0)
    numerator = models.DecimalField(max_digits=24, decimal_places=3, default=0)
    denominator = models.DecimalField(max_digits=24, decimal_places=3, default=0)

    class Meta:
        db_table = "kpi_shop_day"
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "version", "day", "shop_id"], name="shop_day_cell", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.day}"


class Span(models.TextChoices):
    """How long the stretch is whose values a histogram counts."""

    DAY = "day"
    MONTH = "month"


class ShopSpread(models.Model):
    """The histogram of one metric's values in one day or month of one shop: `counts[i]` values in bucket `buckets[i]`.

    A row holds the whole histogram, so that a month is read from a handful of rows. A count may be zero.
    """

    version = models.SmallIntegerField()
    metric = models.CharField(max_length=40)
    span = models.CharField(max_length=5, choices=Span)
    first_on = models.DateField()
    shop_id = models.BigIntegerField(null=True)
    buckets = ArrayField(models.SmallIntegerField())
    counts = ArrayField(models.IntegerField())

    class Meta:
        db_table = "kpi_shop_spread"
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "version", "span", "first_on", "shop_id"],
                name="shop_spread_cell",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=models.Q(span__in=Span.values), name="shop_spread_span_known"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.span} {self.first_on}"


class Target(models.Model):
    """A target the supervisor set instead of the default; in the metric's own unit."""

    event_type = "kpi_target"

    metric = models.CharField(max_length=40, unique=True)
    value = models.FloatField()
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "kpi_target"

    def __str__(self) -> str:
        return f"{self.metric} {self.value}"

    def event_streams(self) -> dict[str, int | None]:
        """A target belongs to no stream."""
        return {}


class CarrierMonth(models.Model):
    """One carrier's parcels shipped in a month, or those of one of its lanes or regions; written whole by a job.

    `lane` is 浙江→广东 and `region` a province; both empty = all of the carrier. Times are hours; null = no data. The
    numbers are those of kpi.scorecards.cohort, counted when the job ran (`made_at`).
    """

    month = models.DateField()
    carrier_id = models.BigIntegerField()
    lane = models.CharField(max_length=24, blank=True, default="")
    region = models.CharField(max_length=24, blank=True, default="")
    parcels = models.IntegerField()
    judged = models.IntegerField()
    on_time = models.IntegerField()
    delivered = models.IntegerField()
    transit_p50 = models.FloatField(null=True)
    transit_p90 = models.FloatField(null=True)
    promised_p50 = models.FloatField(null=True)
    stalled = models.IntegerField()
    lost = models.IntegerField()
    damaged = models.IntegerField()
    returned = models.IntegerField()
    complaints = models.IntegerField()
    estimates = models.IntegerField()
    inside = models.IntegerField()
    bias = models.FloatField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "kpi_carrier_month"
        constraints = [
            models.UniqueConstraint(fields=["month", "carrier_id", "lane", "region"], name="carrier_month_once"),
            models.CheckConstraint(condition=Q(lane="") | Q(region=""), name="carrier_month_one_cut"),
            models.CheckConstraint(
                condition=Q(on_time__lte=F("judged"), judged__lte=F("parcels"), inside__lte=F("estimates")),
                name="carrier_month_parts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.carrier_id} {self.lane}{self.region}"
