"""Addresses that only a public form or chat named are claims; of those there are already, the log of events tells."""

from django.db import migrations, models
from django.db.models import Q

MARK = """
UPDATE customers_identity i SET is_claimed = true
  FROM customers_customer c, core_event e
 WHERE i.kind = 'email' AND i.verified_at IS NULL AND c.id = i.customer_id AND e.customer_id = c.id
   AND e.data ->> 'source' IN ('form', 'chat')
   AND ((e.kind = 'customer.added' AND i.created_at < c.created_at + interval '1 minute')
     OR (e.kind = 'customer.identity_added' AND e.data ->> 'kind' = 'email'
         AND i.created_at BETWEEN e.at - interval '1 minute' AND e.at + interval '1 minute'))
"""
MAKE_ROOM = """
UPDATE customers_identity i SET is_primary = false
 WHERE i.is_claimed AND i.is_primary
   AND EXISTS (SELECT FROM customers_identity o
                WHERE o.customer_id = i.customer_id AND o.kind = 'email' AND NOT o.is_claimed)
"""
CHOOSE = """
UPDATE customers_identity SET is_primary = true WHERE id IN (
  SELECT DISTINCT ON (i.customer_id) i.id FROM customers_identity i
   WHERE i.kind = 'email' AND NOT i.is_claimed
     AND EXISTS (SELECT FROM customers_identity o WHERE o.customer_id = i.customer_id AND o.is_claimed)
     AND NOT EXISTS (SELECT FROM customers_identity o
                      WHERE o.customer_id = i.customer_id AND o.kind = 'email' AND o.is_primary)
   ORDER BY i.customer_id, i.verified_at DESC NULLS LAST, i.id DESC)
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_one_level"), ("core", "0001_spine")]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="is_claimed",
            field=models.BooleanField(db_default=False, default=False),
        ),
        *(migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (MARK, MAKE_ROOM, CHOOSE)),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.CheckConstraint(
                condition=Q(is_claimed=False) | Q(kind="email", verified_at__isnull=True),
                name="identity_claim_unproven",
            ),
        ),
    ]
