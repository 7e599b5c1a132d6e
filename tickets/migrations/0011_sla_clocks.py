"""Clocks in a table of their own, policies chosen by rule, and the nearest deadline on the ticket."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_team_calendar"), ("tickets", "0010_merge_is_one_level")]

    operations = [
        migrations.CreateModel(
            name="RepriceRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("policy_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField())),
                ("calendar_id", models.BigIntegerField(null=True)),
                ("total", models.IntegerField(default=0)),
                ("done_count", models.IntegerField(default=0)),
                ("earlier_count", models.IntegerField(default=0)),
                ("later_count", models.IntegerField(default=0)),
                ("overdue_before", models.IntegerField(default=0)),
                ("overdue_after", models.IntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "tickets_reprice_run",
            },
        ),
        migrations.CreateModel(
            name="SlaClock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("first_response", "First reply"),
                            ("next_response", "Next reply"),
                            ("resolution", "Solution"),
                        ],
                        max_length=16,
                    ),
                ),
                ("round", models.PositiveIntegerField(default=1)),
                ("generation", models.PositiveIntegerField(default=1)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("paused", "paused"),
                            ("met", "stopped"),
                            ("dropped", "dropped"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("policy_version", models.IntegerField()),
                ("calendar_id", models.BigIntegerField(null=True)),
                ("calendar_version", models.IntegerField(default=0)),
                ("target", models.IntegerField()),
                ("started_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("warn_at", models.DateTimeField(null=True)),
                ("paused_at", models.DateTimeField(null=True)),
                ("met_at", models.DateTimeField(null=True)),
                ("warned_at", models.DateTimeField(null=True)),
                ("breached_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "tickets_sla_clock",
            },
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="breach_move",
            field=models.CharField(
                choices=[
                    ("keep", "Stays with its agent"),
                    ("queue", "Back to its team's queue"),
                    ("team", "To another team's queue"),
                ],
                default="keep",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="breach_notifies",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="breach_raises_priority",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="breach_team",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.team",
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="category_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, default=list
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="channels",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=12), blank=True, default=list
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="is_active",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="next_response_minutes",
            field=models.PositiveIntegerField(blank=True, default=240, null=True),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="pauses_for_department",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="position",
            field=models.PositiveSmallIntegerField(default=100),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="priorities",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.SmallIntegerField(), blank=True, default=list
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="shop_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, default=list
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="stages",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=12), blank=True, default=list
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="tiers",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=12), blank=True, default=list
            ),
        ),
        migrations.AddField(
            model_name="slapolicy",
            name="warn_percent",
            field=models.PositiveSmallIntegerField(default=75),
        ),
        migrations.AddField(
            model_name="ticket",
            name="next_due_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="next_response_due_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="warn_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("next_response_minutes__isnull", True), ("next_response_minutes__gt", 0), _connector="OR"
                ),
                name="sla_policy_next_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("warn_percent__gte", 1), ("warn_percent__lte", 99)), name="sla_policy_warns_before"
            ),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_default", False), ("is_active", True), _connector="OR"),
                name="sla_policy_default_active",
            ),
        ),
        migrations.AddConstraint(
            model_name="slapolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("breach_move__in", ["keep", "queue", "team"])), name="sla_policy_move_known"
            ),
        ),
        migrations.AddIndex(
            model_name="repricerun",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)), fields=["-id"], name="reprice_run_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="repricerun",
            constraint=models.CheckConstraint(
                condition=models.Q(("done_count__gte", 0), ("total__gte", 0)), name="reprice_run_counts"
            ),
        ),
        migrations.AddConstraint(
            model_name="repricerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("finished_at__isnull", True), ("finished_at__gte", models.F("started_at")), _connector="OR"
                ),
                name="reprice_run_in_order",
            ),
        ),
        migrations.AddField(
            model_name="slaclock",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tickets.slapolicy"
            ),
        ),
        migrations.AddField(
            model_name="slaclock",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="clocks", to="tickets.ticket"
            ),
        ),
        migrations.AddIndex(
            model_name="slaclock",
            index=models.Index(
                condition=models.Q(("state__in", ["running", "paused"])),
                fields=["policy", "ticket"],
                name="sla_clock_priced_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.UniqueConstraint(fields=("ticket", "kind", "round"), name="sla_clock_round"),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["running", "paused"])),
                fields=("ticket", "kind"),
                name="sla_clock_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["first_response", "next_response", "resolution"])),
                name="sla_clock_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["running", "paused", "met", "dropped"])), name="sla_clock_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("met_at__isnull", False), ("state", "met")),
                    models.Q(models.Q(("state", "met"), _negated=True), ("met_at__isnull", True)),
                    _connector="OR",
                ),
                name="sla_clock_met_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paused_at__isnull", False), ("state", "paused")),
                    models.Q(models.Q(("state", "paused"), _negated=True), ("paused_at__isnull", True)),
                    _connector="OR",
                ),
                name="sla_clock_paused_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.CheckConstraint(
                condition=models.Q(("met_at__isnull", True), ("met_at__gte", models.F("started_at")), _connector="OR"),
                name="sla_clock_met_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.CheckConstraint(
                condition=models.Q(("breached_at__isnull", True), ("due_at__isnull", False), _connector="OR"),
                name="sla_clock_breach_has_deadline",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaclock",
            constraint=models.CheckConstraint(
                condition=models.Q(("round__gt", 0), ("target__gt", 0)), name="sla_clock_positive"
            ),
        ),
    ]
