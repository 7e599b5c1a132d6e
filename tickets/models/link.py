"""How tickets belong together: joined into one, cut in two, or merely connected."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tickets.enums import LinkKind


class TicketMerge(models.Model):
    """One ticket was joined into another. `Ticket.merged_into` points to the end of the chain, this to its next link.

    `before` is how the source stood (status and times), `taken` what the target took over from it
    ({field: [before, after]}): with both the step can be taken back while nobody has written in the target since
    `target_seq`. Never deleted; a step taken back has `undone_at`.
    """

    source = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="merges")
    target = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="+")
    target_seq = models.IntegerField()
    before = models.JSONField(default=dict)
    taken = models.JSONField(default=dict)
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_merge"
        constraints = [
            models.UniqueConstraint(fields=["source"], name="merge_once", condition=Q(undone_at__isnull=True)),
            models.CheckConstraint(condition=~Q(source=F("target")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} into {self.target_id}"


class TicketLink(models.Model):
    """Two tickets that have to do with each other; one link a pair, the smaller id first.

    `parent`: `ticket` is the whole of which `other` is a part; `child`: the other way round; `split`: `other` was cut
    out of `ticket`; `related` and `duplicate` read the same from both sides.
    """

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="links_to")
    other = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="links_from")
    kind = models.CharField(max_length=12, choices=LinkKind)
    linked_at = models.DateTimeField()
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "tickets_link"
        constraints = [
            models.UniqueConstraint(fields=["ticket", "other"], name="link_once"),
            models.CheckConstraint(condition=Q(ticket__lt=F("other")), name="link_smaller_first"),
            models.CheckConstraint(condition=Q(kind__in=LinkKind.values), name="link_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind} {self.other_id}"


class MovedMessage(models.Model):
    """A message cut out of its ticket: the original keeps its seq and stays as a line, `copy` is what counts."""

    original = models.OneToOneField(
        "tickets.Message", on_delete=models.CASCADE, primary_key=True, related_name="moved_to"
    )
    copy = models.OneToOneField("tickets.Message", on_delete=models.CASCADE, related_name="moved_from")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "tickets_moved_message"

    def __str__(self) -> str:
        return f"message {self.original_id} moved to ticket {self.ticket_id}"
