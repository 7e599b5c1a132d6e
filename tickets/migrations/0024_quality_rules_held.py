"""What the database holds of quality review: versions that never change, never one's own, final when submitted."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION tickets_rubric_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version of a rubric is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER rubric_version_is_history BEFORE UPDATE OR DELETE ON tickets_rubric_version
  FOR EACH ROW EXECUTE FUNCTION tickets_rubric_is_history();

CREATE FUNCTION tickets_rubric_weighs_100() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT coalesce(sum((c ->> 'weight')::int), 0)
        FROM jsonb_array_elements(NEW.sections) s, jsonb_array_elements(s -> 'criteria') c) <> 100 THEN
    RAISE EXCEPTION 'the weights of a rubric add up to 100' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER rubric_version_weighs_100 BEFORE INSERT ON tickets_rubric_version
  FOR EACH ROW EXECUTE FUNCTION tickets_rubric_weighs_100();

CREATE FUNCTION tickets_review_not_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.reviewer_id IS NOT NULL AND EXISTS (
      SELECT 1 FROM tickets_message m
       WHERE m.author_type = 'staff' AND m.author_id = NEW.reviewer_id AND m.kind <> 'note'
         AND (m.ticket_id = NEW.ticket_id
              OR m.ticket_id IN (SELECT t.id FROM tickets_ticket t WHERE t.merged_into_id = NEW.ticket_id))) THEN
    RAISE EXCEPTION 'nobody reviews a conversation she answered in'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quality_review_not_own';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER quality_review_not_own BEFORE INSERT OR UPDATE OF reviewer_id, state ON tickets_quality_review
  FOR EACH ROW WHEN (NEW.state <> 'dropped') EXECUTE FUNCTION tickets_review_not_own();

CREATE FUNCTION tickets_review_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state
     OR ((NEW.answers, NEW.score, NEW.is_fatal, NEW.reviewer_id, NEW.agent_id, NEW.rubric_version_id, NEW.submitted_at)
         IS DISTINCT FROM
         (OLD.answers, OLD.score, OLD.is_fatal, OLD.reviewer_id, OLD.agent_id, OLD.rubric_version_id, OLD.submitted_at)
         AND NOT EXISTS (SELECT 1 FROM tickets_quality_appeal a WHERE a.review_id = NEW.id AND a.state = 'changed')) THEN
    RAISE EXCEPTION 'a submitted review is final' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER quality_review_is_final BEFORE UPDATE ON tickets_quality_review
  FOR EACH ROW WHEN (OLD.state = 'submitted') EXECUTE FUNCTION tickets_review_is_final();
"""
BACKWARD = """
DROP TRIGGER quality_review_is_final ON tickets_quality_review;
DROP FUNCTION tickets_review_is_final();
DROP TRIGGER quality_review_not_own ON tickets_quality_review;
DROP FUNCTION tickets_review_not_own();
DROP TRIGGER rubric_version_weighs_100 ON tickets_rubric_version;
DROP FUNCTION tickets_rubric_weighs_100();
DROP TRIGGER rubric_version_is_history ON tickets_rubric_version;
DROP FUNCTION tickets_rubric_is_history();
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0023_quality_review")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
