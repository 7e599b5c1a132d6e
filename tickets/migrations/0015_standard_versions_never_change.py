"""A ticket keeps the standard it began with: versions cannot be changed."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION tickets_standard_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version of a service standard is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER standard_version_is_history BEFORE UPDATE ON tickets_standard_version
  FOR EACH ROW EXECUTE FUNCTION tickets_standard_is_history();
"""
BACKWARD = """
DROP TRIGGER standard_version_is_history ON tickets_standard_version;
DROP FUNCTION tickets_standard_is_history();
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0014_owed_work")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
