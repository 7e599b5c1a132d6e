from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0002_access_log_append_only"),
        ("core", "0002_business_calendar"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="team",
            name="calendar",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.calendardefinition",
            ),
        ),
    ]
