"""A joined record points to one that is not joined itself: chains and circles cannot be, whoever writes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION customers_check_merge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The share lock waits for whoever is joining the target elsewhere just now; what it then reads is committed.
    PERFORM FROM customers_customer c WHERE c.id = NEW.merged_into_id AND c.merged_into_id IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'customer % cannot be joined into %, which is joined itself', NEW.id, NEW.merged_into_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'customer_merge_one_level';
    END IF;
    IF EXISTS (SELECT FROM customers_customer c WHERE c.merged_into_id = NEW.id) THEN
        RAISE EXCEPTION 'customer % cannot be joined while others are joined into it', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'customer_merge_one_level';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER customer_merge_one_level AFTER INSERT OR UPDATE OF merged_into_id ON customers_customer
    FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION customers_check_merge();
"""
BACK = "DROP TRIGGER customer_merge_one_level ON customers_customer; DROP FUNCTION customers_check_merge();"


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_joined_records")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
