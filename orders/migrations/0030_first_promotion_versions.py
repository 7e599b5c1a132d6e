"""What every promotion says today is its first version; since when is not known of those from before."""

from django.db import migrations

FORWARD = """
INSERT INTO orders_promotion_version
  (promotion_id, version, source, told_at, by_id, title, skus, price, percent, starts_at, ends_at, is_active)
SELECT id, version, terms_source, NULL, NULL, title, skus, price, percent, starts_at, ends_at, is_active
FROM orders_promotion
WHERE NOT EXISTS (SELECT 1 FROM orders_promotion_version AS kept WHERE kept.promotion_id = orders_promotion.id);
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0029_promotion_versions")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
