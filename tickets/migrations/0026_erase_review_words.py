"""A submitted review is final in its marks; its words go when the person they speak of is erased."""

from django.db import migrations

BODY = """
CREATE OR REPLACE FUNCTION tickets_review_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state
     OR (({new}, NEW.score, NEW.is_fatal, NEW.reviewer_id, NEW.agent_id, NEW.rubric_version_id, NEW.submitted_at)
         IS DISTINCT FROM
         ({old}, OLD.score, OLD.is_fatal, OLD.reviewer_id, OLD.agent_id, OLD.rubric_version_id, OLD.submitted_at)
         AND NOT EXISTS (SELECT 1 FROM tickets_quality_appeal a WHERE a.review_id = NEW.id AND a.state = 'changed')) THEN
    RAISE EXCEPTION 'a submitted review is final' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
"""
WITHOUT_WORDS = """
CREATE FUNCTION tickets_without_words(answers jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'object'
                                             THEN value || '{"comment": ""}'::jsonb ELSE value END), '{}'::jsonb)
    FROM jsonb_each(answers)
$$;
"""
# A correction of words alone stays forbidden: only taking them all away passes.
NEW = "CASE WHEN NEW.answers = tickets_without_words(OLD.answers) THEN OLD.answers ELSE NEW.answers END"
FORWARD = WITHOUT_WORDS + BODY.format(new=NEW, old="OLD.answers")
BACK = BODY.format(new="NEW.answers", old="OLD.answers") + "DROP FUNCTION tickets_without_words(jsonb);"


class Migration(migrations.Migration):
    dependencies = [("tickets", "0025_default_rubric")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
