"""One search vector: a message's own words, and on the first message the ticket's subject.

The index leads with a bucket of ids (16,384 messages each), so that the newest bucket can be asked alone.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.contrib.postgres.operations import BtreeGinExtension
from django.db import migrations, models
from django.db.models import F, Value

import core.text.lookups

# Whoever writes the first message, in whatever way, and whoever changes a subject: search finds it.
TRIGGERS = """
CREATE FUNCTION tickets_take_heading() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.subject INTO NEW.heading FROM tickets_ticket t WHERE t.id = NEW.ticket_id;
    NEW.heading := coalesce(NEW.heading, '');
    RETURN NEW;
END $$;
CREATE TRIGGER message_heading BEFORE INSERT ON tickets_message
    FOR EACH ROW WHEN (NEW.seq = 1) EXECUTE FUNCTION tickets_take_heading();
CREATE FUNCTION tickets_tell_heading() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tickets_message SET heading = NEW.subject WHERE ticket_id = NEW.id AND seq = 1;
    RETURN NULL;
END $$;
CREATE TRIGGER ticket_heading AFTER UPDATE OF subject ON tickets_ticket
    FOR EACH ROW WHEN (OLD.subject IS DISTINCT FROM NEW.subject) EXECUTE FUNCTION tickets_tell_heading();
UPDATE tickets_message m SET heading = t.subject FROM tickets_ticket t WHERE t.id = m.ticket_id AND m.seq = 1;
"""
BACK = """
DROP TRIGGER ticket_heading ON tickets_ticket;
DROP TRIGGER message_heading ON tickets_message;
DROP FUNCTION tickets_tell_heading();
DROP FUNCTION tickets_take_heading();
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0017_routing_indexes")]

    operations = [
        BtreeGinExtension(),
        migrations.RemoveIndex(model_name="message", name="message_search"),
        migrations.RemoveField(model_name="message", name="search"),
        migrations.RemoveIndex(model_name="ticket", name="ticket_subject_search"),
        migrations.RemoveField(model_name="ticket", name="subject_search"),
        migrations.AddField(
            model_name="message", name="heading", field=models.TextField(blank=True, default="", db_default="")
        ),
        migrations.RunSQL(TRIGGERS, BACK),
        migrations.AddField(
            model_name="message",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=core.text.lookups.Tokens(
                    django.db.models.functions.text.Concat(
                        "heading", Value(" \n", output_field=models.TextField()), "text"
                    )
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=django.contrib.postgres.indexes.GinIndex(
                F("id").bitrightshift(14), F("search"), gin_pending_list_limit=256, name="message_search"
            ),
        ),
    ]
