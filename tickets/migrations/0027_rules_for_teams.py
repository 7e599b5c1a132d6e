"""Rules may be for some teams. Those saved before stay the company's, set by whoever sees all of it."""

import django.contrib.postgres.fields
from django.db import migrations, models


def _teams() -> models.Field:
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.BigIntegerField(), blank=True, db_default=[], default=list
    )


class Migration(migrations.Migration):
    dependencies = [("tickets", "0026_erase_review_words")]

    operations = [
        migrations.AddField(model_name="rule", name="team_ids", field=_teams()),
        migrations.AddField(model_name="ruleversion", name="team_ids", field=_teams()),
    ]
