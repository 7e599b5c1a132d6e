"""How tickets find their agent: each team's way, skills of categories, dedicated agents, who put a ticket back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_presence_and_capacity"),
        ("customers", "0001_initial"),
        ("tickets", "0015_standard_versions_never_change"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CategorySkill",
            fields=[
                (
                    "category",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="needed_skill",
                        serialize=False,
                        to="tickets.category",
                    ),
                ),
                ("skill", models.CharField(max_length=32)),
            ],
            options={
                "db_table": "tickets_category_skill",
            },
        ),
        migrations.CreateModel(
            name="DedicatedAgent",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="dedicated_agent",
                        serialize=False,
                        to="customers.customer",
                    ),
                ),
                ("since", models.DateTimeField()),
            ],
            options={
                "db_table": "tickets_dedicated_agent",
            },
        ),
        migrations.CreateModel(
            name="GivenBack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "tickets_given_back",
            },
        ),
        migrations.CreateModel(
            name="TeamRouting",
            fields=[
                (
                    "team",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="routing",
                        serialize=False,
                        to="accounts.team",
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("by_hand", "By hand: agents take tickets themselves"),
                            ("automatic", "Automatic: tickets are handed out"),
                        ],
                        default="by_hand",
                        max_length=12,
                    ),
                ),
                ("widen_after_minutes", models.PositiveSmallIntegerField(default=15)),
                ("release_after_minutes", models.PositiveSmallIntegerField(default=30)),
                ("version", models.IntegerField(default=1)),
            ],
            options={
                "db_table": "tickets_team_routing",
            },
        ),
        migrations.AddField(
            model_name="dedicatedagent",
            name="staff",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="dedicated_customers",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="givenback",
            name="staff",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="givenback",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="given_back", to="tickets.ticket"
            ),
        ),
        migrations.AddConstraint(
            model_name="teamrouting",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["by_hand", "automatic"])), name="team_routing_mode_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="teamrouting",
            constraint=models.CheckConstraint(
                condition=models.Q(("release_after_minutes__gte", 5)), name="team_routing_release_not_at_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="givenback",
            constraint=models.UniqueConstraint(fields=("ticket", "staff"), name="given_back_once"),
        ),
    ]
