"""Read a few days' values from the index alone."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("kpi", "0003_fill_shop_rollups")]

    operations = [
        AddIndexConcurrently(
            "fact",
            models.Index(fields=["metric", "version", "day"], include=["shop_id", "value"], name="fact_metric_values"),
        ),
        RemoveIndexConcurrently("fact", "fact_metric_day"),
    ]
