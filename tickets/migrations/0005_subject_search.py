"""Find tickets by words in their subject."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import migrations, models

from core.text.lookups import Tokens


class Migration(migrations.Migration):
    dependencies = [("core", "0003_search_functions"), ("tickets", "0004_desk_indexes")]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="subject_search",
            field=models.GeneratedField(expression=Tokens("subject"), output_field=SearchVectorField(), db_persist=True),
        ),
        migrations.AddIndex(model_name="ticket", index=GinIndex(fields=["subject_search"], name="ticket_subject_search")),
    ]
