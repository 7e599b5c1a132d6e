"""One call at a time is asked of the PBX for a person; of two that stand, the older one has failed."""

from django.db import migrations, models
from django.db.models import Q

END_DOUBLES = """
UPDATE tickets_call c SET state = 'ended', result = 'failed', failure = 'pbx_silent', version = version + 1,
       ended_at = greatest(c.started_at, statement_timestamp())
 WHERE c.state = 'asked' AND EXISTS (SELECT 1 FROM tickets_call o
        WHERE o.asked_by_id = c.asked_by_id AND o.state = 'asked' AND o.id > c.id)
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0028_promise_in_waiting_answers")]

    operations = [
        migrations.RunSQL(END_DOUBLES, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.UniqueConstraint(fields=["asked_by"], name="call_one_asked", condition=Q(state="asked")),
        ),
    ]
