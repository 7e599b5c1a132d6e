"""What a survey asked is history: its versions cannot be changed, so answers keep their questions."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION feedback_version_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a survey version is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER survey_version_is_history BEFORE UPDATE ON feedback_survey_version
  FOR EACH ROW EXECUTE FUNCTION feedback_version_is_history();
"""
BACKWARD = """
DROP TRIGGER survey_version_is_history ON feedback_survey_version;
DROP FUNCTION feedback_version_is_history();
"""


class Migration(migrations.Migration):
    dependencies = [("feedback", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
