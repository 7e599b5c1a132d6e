"""The words of a choice changed; nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0029_one_dial_at_a_time")]

    operations = [
        migrations.AlterField(
            model_name="samplingplan",
            name="way",
            field=models.CharField(
                choices=[("per_agent", "A number per agent"), ("percent", "So many percent")], default="per_agent",
                max_length=12,
            ),
        ),
    ]
