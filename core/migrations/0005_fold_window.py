"""The window a fold has in progress, kept on its cursor."""

from django.db import migrations, models

import core.models.fields


class Migration(migrations.Migration):
    dependencies = [("core", "0004_job_session")]

    operations = [
        migrations.AddField("foldcursor", "window_end", core.models.fields.Xid8Field(null=True)),
        migrations.AddField("foldcursor", "window_root", models.BigIntegerField(default=0)),
        migrations.AddField("foldcursor", "is_emptying", models.BooleanField(default=False)),
        migrations.AddConstraint(
            "foldcursor",
            models.CheckConstraint(
                condition=models.Q(("window_end__isnull", True), ("window_end__gt", models.F("upto")), _connector="OR"),
                name="fold_window_ahead",
            ),
        ),
    ]
