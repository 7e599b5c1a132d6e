"""What a promotion said is history: its versions cannot be changed, so an order keeps what ran when it was placed."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION orders_promotion_version_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a promotion version is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER promotion_version_is_history BEFORE UPDATE ON orders_promotion_version
  FOR EACH ROW EXECUTE FUNCTION orders_promotion_version_is_history();
"""
BACKWARD = """
DROP TRIGGER promotion_version_is_history ON orders_promotion_version;
DROP FUNCTION orders_promotion_version_is_history();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0030_first_promotion_versions")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
