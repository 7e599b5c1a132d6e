"""A request to the shop moves only as orders.request_enums.REQUEST_TRANSITIONS says, whoever writes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION orders_check_request_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'INSERT' AND NEW.state <> 'asked') OR (TG_OP = 'UPDATE' AND NEW.state <> OLD.state AND NOT (
        (OLD.state = 'asked' AND NEW.state IN ('accepted', 'done', 'refused', 'withdrawn'))
        OR (OLD.state = 'accepted' AND NEW.state IN ('done', 'refused'))
    )) THEN
        RAISE EXCEPTION 'order request % cannot become %', NEW.id, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_request_steps';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER order_request_steps BEFORE INSERT OR UPDATE OF state ON orders_request
    FOR EACH ROW EXECUTE FUNCTION orders_check_request_step();
"""
BACK = "DROP TRIGGER order_request_steps ON orders_request; DROP FUNCTION orders_check_request_step();"


class Migration(migrations.Migration):
    dependencies = [("orders", "0020_order_requests")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
