from typing import ClassVar

from django.db import migrations

FORWARD = """
CREATE FUNCTION accounts_access_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'accounts_personaldataaccess is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER accounts_access_append_only BEFORE UPDATE OR DELETE ON accounts_personaldataaccess
    FOR EACH ROW EXECUTE FUNCTION accounts_access_append_only();
"""
BACKWARD = """
DROP TRIGGER accounts_access_append_only ON accounts_personaldataaccess;
DROP FUNCTION accounts_access_append_only();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0001_staff_and_access")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
