"""Have the database itself count the bytes of all files, whatever writes or cascades."""

from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION tickets_count_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE change bigint := 0;
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        SELECT change + coalesce(sum(size), 0) INTO change FROM after_rows;
    END IF;
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        SELECT change - coalesce(sum(size), 0) INTO change FROM before_rows;
    END IF;
    IF change <> 0 THEN
        INSERT INTO tickets_stored_bytes (delta) VALUES (change);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER attachment_bytes_in AFTER INSERT ON tickets_attachment REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tickets_count_bytes();
CREATE TRIGGER attachment_bytes_out AFTER DELETE ON tickets_attachment REFERENCING OLD TABLE AS before_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tickets_count_bytes();
CREATE TRIGGER attachment_bytes_changed AFTER UPDATE ON tickets_attachment
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tickets_count_bytes();
INSERT INTO tickets_stored_bytes (delta) SELECT sum(size) FROM tickets_attachment HAVING sum(size) > 0;
"""
BACKWARDS = """
DROP TRIGGER attachment_bytes_in ON tickets_attachment;
DROP TRIGGER attachment_bytes_out ON tickets_attachment;
DROP TRIGGER attachment_bytes_changed ON tickets_attachment;
DROP FUNCTION tickets_count_bytes();
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0006_count_from_indexes")]

    operations = [
        migrations.CreateModel(
            name="StoredBytes",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("delta", models.BigIntegerField()),
            ],
            options={"db_table": "tickets_stored_bytes"},
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
