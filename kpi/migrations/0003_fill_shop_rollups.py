"""Sum what was folded so far into the new roll-ups. Workers of the older release must be stopped meanwhile."""

from django.db import migrations

FILL = """
INSERT INTO kpi_shop_day (version, metric, day, shop_id, n, value_sum, numerator, denominator)
SELECT version, metric, day, shop_id, sum(n), sum(value_sum), sum(numerator), sum(denominator)
  FROM kpi_rollup GROUP BY version, metric, day, shop_id;
INSERT INTO kpi_shop_spread (version, metric, span, first_on, shop_id, buckets, counts)
SELECT version, metric, span, first_on, shop_id, array_agg(bucket ORDER BY bucket), array_agg(n::int ORDER BY bucket)
  FROM (SELECT version, metric, span, first_on, shop_id, bucket, sum(n) AS n
          FROM kpi_rollup,
               LATERAL (VALUES ('day', day), ('month', date_trunc('month', day)::date)) AS s (span, first_on)
         WHERE bucket IS NOT NULL GROUP BY version, metric, span, first_on, shop_id, bucket) AS cells
 GROUP BY version, metric, span, first_on, shop_id;
"""
EMPTY = "DELETE FROM kpi_shop_day; DELETE FROM kpi_shop_spread;"


class Migration(migrations.Migration):
    dependencies = [("kpi", "0002_shop_rollups")]

    operations = [migrations.RunSQL(FILL, EMPTY)]
