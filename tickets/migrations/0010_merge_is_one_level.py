"""A joined ticket points to one that is not joined itself: chains and circles cannot be, whoever writes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION tickets_check_merge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The share lock waits for whoever is joining the target elsewhere just now; what it then reads is committed.
    PERFORM FROM tickets_ticket t WHERE t.id = NEW.merged_into_id AND t.merged_into_id IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ticket % cannot be joined into %, which is joined itself', NEW.id, NEW.merged_into_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_merge_one_level';
    END IF;
    IF EXISTS (SELECT FROM tickets_ticket t WHERE t.merged_into_id = NEW.id) THEN
        RAISE EXCEPTION 'ticket % cannot be joined while others are joined into it', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_merge_one_level';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ticket_merge_one_level AFTER INSERT OR UPDATE OF merged_into_id ON tickets_ticket
    FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION tickets_check_merge();
"""
BACK = "DROP TRIGGER ticket_merge_one_level ON tickets_ticket; DROP FUNCTION tickets_check_merge();"


class Migration(migrations.Migration):
    dependencies = [("tickets", "0009_joining_and_lists")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
