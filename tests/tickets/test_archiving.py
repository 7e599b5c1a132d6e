"""Everything said, written out and read again: nothing is lost on the way, and files are not overwritten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import PersonalDataAccess
from core.actors import SYSTEM
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_reply, make_ticket
from tickets.models import Ticket
from tickets.services import add_note

pytestmark = pytest.mark.django_db


def test_the_archive_comes_in_again_as_it_went_out(tmp_path: Any) -> None:
    ticket = make_ticket(text="杯子裂了\n第二行", subject="杯子")
    lin = make_staff("lin@desk.example", display_name="林若溪")
    make_reply(ticket, lin, text="马上补发")
    add_note(ticket_id=ticket.pk, text="内部备注", actor=SYSTEM, at=timezone.now(), client_id=None)
    call_command("export_tickets", str(tmp_path / "out"))
    (line,) = (tmp_path / "out" / "tickets.json").read_text().splitlines()
    told = json.loads(line)
    assert [one["public"] for one in told["comments"]].count(False) == 1
    assert oct((tmp_path / "out" / "tickets.json").stat().st_mode)[-3:] == "600"
    assert PersonalDataAccess.objects.get().purpose == "export: archive"
    with pytest.raises(CommandError):
        call_command("export_tickets", str(tmp_path / "out"))
    files = [str(tmp_path / "out" / name) for name in ("users.json", "tickets.json")]
    call_command("import_tickets", *files, "--source", "again", "--yes")
    copy = Ticket.objects.exclude(pk=ticket.pk).get()
    assert (copy.subject, copy.customer_id, copy.opened_at) == (ticket.subject, ticket.customer_id, ticket.opened_at)
    before = list(ticket.messages.order_by("seq").values_list("kind", "author_type", "author_id", "text", "at"))
    after = list(copy.messages.order_by("seq").values_list("kind", "author_type", "author_id", "text", "at"))
    assert [one[3:] for one in before] == [one[3:] for one in after[: len(before)]]
    spoken = [n for n, one in enumerate(before) if one[1] in {"staff", "customer"}]
    assert [before[n][:3] for n in spoken] == [after[n][:3] for n in spoken]
