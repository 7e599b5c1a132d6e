"""Tables of joined, cut and linked tickets, kept filters and changes to many tickets; indexes of the sortings."""

import datetime
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_team_calendar'),
        ('customers', '0001_initial'),
        ('orders', '0003_known_carriers'),
        ('tickets', '0008_conversation'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('refused', 'Left alone'), ('undone', 'Undone'), ('kept', 'Not restored')], default='waiting', max_length=8)),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('refusal', models.CharField(blank=True, default='', max_length=200)),
            ],
            options={
                'db_table': 'tickets_bulk_item',
            },
        ),
        migrations.CreateModel(
            name='BulkRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('take', 'Assign to me'), ('assign', 'Assign to a colleague'), ('team', 'Move to a team'), ('status', 'Set the status'), ('priority', 'Set the priority'), ('category', 'Set the category'), ('add_tags', 'Add tags'), ('remove_tags', 'Remove tags'), ('spam', 'Mark as spam'), ('resolve', 'Resolve')], max_length=16)),
                ('value', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('running', 'Under way'), ('done', 'Done'), ('undoing', 'Being undone'), ('undone', 'Undone')], default='running', max_length=8)),
                ('total', models.IntegerField()),
                ('client_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('undo_until', models.DateTimeField()),
            ],
            options={
                'db_table': 'tickets_bulk_run',
            },
        ),
        migrations.CreateModel(
            name='MovedMessage',
            fields=[
                ('original', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='moved_to', serialize=False, to='tickets.message')),
            ],
            options={
                'db_table': 'tickets_moved_message',
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('conditions', models.JSONField(default=dict)),
                ('sorting', models.CharField(choices=[('newest', 'Newest message'), ('waiting', 'Waiting longest'), ('due', 'Due first'), ('priority', 'Most urgent')], default='newest', max_length=12)),
                ('position', models.SmallIntegerField(default=0)),
                ('version', models.IntegerField(default=1)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'tickets_saved_view',
            },
        ),
        migrations.CreateModel(
            name='TicketLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('related', 'Related'), ('duplicate', 'Duplicate'), ('parent', 'Part of this'), ('child', 'This is part of it'), ('split', 'Split off')], max_length=12)),
                ('linked_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'tickets_link',
            },
        ),
        migrations.CreateModel(
            name='TicketMerge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target_seq', models.IntegerField()),
                ('before', models.JSONField(default=dict)),
                ('taken', models.JSONField(default=dict)),
                ('merged_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'tickets_merge',
            },
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(django.db.models.functions.comparison.Coalesce('customer_turn_at', models.Value(datetime.datetime(9999, 12, 31, 0, 0, tzinfo=datetime.timezone.utc))), models.F('id'), condition=models.Q(('status__in', ['new', 'open', 'waiting_customer', 'waiting_department']), ('is_spam', False), ('merged_into__isnull', True)), name='ticket_longest_waiting'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('status__in', ['new', 'open', 'waiting_customer', 'waiting_department']), ('is_spam', False), ('merged_into__isnull', True)), fields=['-priority', '-last_message_at', '-id'], name='ticket_most_urgent'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('status__in', ['new', 'open', 'waiting_customer', 'waiting_department']), ('is_spam', False), ('merged_into__isnull', True)), fields=['tags'], name='ticket_tags'),
        ),
        migrations.AddField(
            model_name='bulkitem',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tickets.ticket'),
        ),
        migrations.AddField(
            model_name='bulkrun',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bulk_runs', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='bulkitem',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='tickets.bulkrun'),
        ),
        migrations.AddField(
            model_name='movedmessage',
            name='copy',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='moved_from', to='tickets.message'),
        ),
        migrations.AddField(
            model_name='movedmessage',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tickets.ticket'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='owner',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedview',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='ticketlink',
            name='linked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='ticketlink',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links_from', to='tickets.ticket'),
        ),
        migrations.AddField(
            model_name='ticketlink',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links_to', to='tickets.ticket'),
        ),
        migrations.AddField(
            model_name='ticketmerge',
            name='merged_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='ticketmerge',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='merges', to='tickets.ticket'),
        ),
        migrations.AddField(
            model_name='ticketmerge',
            name='target',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tickets.ticket'),
        ),
        migrations.AddIndex(
            model_name='bulkrun',
            index=models.Index(fields=['staff', '-id'], name='bulk_run_newest'),
        ),
        migrations.AddConstraint(
            model_name='bulkrun',
            constraint=models.UniqueConstraint(condition=models.Q(('client_id__isnull', False)), fields=('staff', 'client_id'), name='bulk_run_once'),
        ),
        migrations.AddConstraint(
            model_name='bulkrun',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ['take', 'assign', 'team', 'status', 'priority', 'category', 'add_tags', 'remove_tags', 'spam', 'resolve'])), name='bulk_action_known'),
        ),
        migrations.AddConstraint(
            model_name='bulkrun',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['running', 'done', 'undoing', 'undone'])), name='bulk_state_known'),
        ),
        migrations.AddIndex(
            model_name='bulkitem',
            index=models.Index(fields=['run', 'state', 'ticket'], name='bulk_item_next'),
        ),
        migrations.AddConstraint(
            model_name='bulkitem',
            constraint=models.UniqueConstraint(fields=('run', 'ticket'), name='bulk_item_once'),
        ),
        migrations.AddConstraint(
            model_name='bulkitem',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'done', 'refused', 'undone', 'kept'])), name='bulk_item_state_known'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(models.F('owner'), django.db.models.functions.text.Lower('name'), condition=models.Q(('team__isnull', True)), name='saved_view_own_name'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(models.F('team'), django.db.models.functions.text.Lower('name'), condition=models.Q(('team__isnull', False)), name='saved_view_team_name'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.CheckConstraint(condition=models.Q(('owner__isnull', False), ('team__isnull', False), _connector='OR'), name='saved_view_is_someones'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.CheckConstraint(condition=models.Q(('sorting__in', ['newest', 'waiting', 'due', 'priority'])), name='saved_view_sorting_known'),
        ),
        migrations.AddConstraint(
            model_name='ticketlink',
            constraint=models.UniqueConstraint(fields=('ticket', 'other'), name='link_once'),
        ),
        migrations.AddConstraint(
            model_name='ticketlink',
            constraint=models.CheckConstraint(condition=models.Q(('ticket__lt', models.F('other'))), name='link_smaller_first'),
        ),
        migrations.AddConstraint(
            model_name='ticketlink',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['related', 'duplicate', 'parent', 'child', 'split'])), name='link_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='ticketmerge',
            constraint=models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('source',), name='merge_once'),
        ),
        migrations.AddConstraint(
            model_name='ticketmerge',
            constraint=models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='merge_of_two'),
        ),
    ]
