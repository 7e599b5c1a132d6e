"""What changes something: a ticket by the API, an answer, a ticket given away. The raw statement is undone."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from html import unescape
from random import Random
from typing import Any

from bench.desk.places import Place, Row, Samples, figures
from bench.harness import Visit, raw_ms
from bench.seeding import API_KEY, BUSY, LEAD

HIDDEN = re.compile(r'<input type="hidden" name="(client_id|seen_version|seen|kind)" value="([^"]*)"')
MINE = """
SELECT t.id, t.customer_id AS customer FROM tickets_ticket t JOIN accounts_staff s ON s.id = t.assignee_id
 WHERE s.email = %(email)s AND t.status = 'open' AND NOT t.is_spam AND t.last_seq < 100
 ORDER BY md5(t.id::text) LIMIT 600
"""
COLLEAGUES = """
SELECT s.id FROM accounts_staff s JOIN accounts_membership m ON m.staff_id = s.id
 WHERE m.team_id = (SELECT min(id) FROM accounts_team) AND s.email LIKE 'agent%%' ORDER BY s.id
"""
TEXT = "您好，已经为您登记，明天给您答复。"


class Writer:
    """Acts at one place; nothing is done twice to the same ticket in one run."""

    def __init__(self, place: Place, scope: Row) -> None:
        self.scope = scope
        self.place, self.pick = place, Random(place.size)
        self.tickets = place.rows(MINE, {"email": BUSY})
        self.colleagues = [row["id"] for row in place.rows(COLLEAGUES)]
        self.acts: dict[str, Callable[[int], Visit]] = {
            "create": self.create,
            "reply": self.reply,
            "assign": self.assign,
        }

    def ticket(self, number: int) -> int:
        """Return the key of the ticket of a turn."""
        return int(self.tickets[number % len(self.tickets)]["id"])

    def create(self, number: int) -> Visit:
        """Open a ticket by the API, as a shop's own form does."""
        body = {
            "shop": "bench-tmall",
            "customer": {"phone": f"1770000{self.pick.randrange(10_000):04d}", "email": "", "name": "何青"},
            "subject": "杯子有裂纹",
            "text": "收到的杯子有裂纹，麻烦看一下。",
            "category": "quality-defect",
        }
        key = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": uuid.uuid4().hex}
        return self.place.running.client().post("/api/v1/tickets/", data=body, **key)

    def reply(self, number: int) -> Visit:
        """Answer, with what the page gave along."""
        client, ticket = self.place.clients[BUSY], self.ticket(number)
        page = client.visit(f"/desk/t/{ticket}/?view=mine")
        form = page.body.partition('id="composer"')[2].partition("</form>")[0]
        fields = {name: unescape(value) for name, value in HIDDEN.findall(form)}
        return client.post(f"/desk/t/{ticket}/reply/?view=mine", form={**fields, "kind": "public", "text": TEXT})

    def assign(self, number: int) -> Visit:
        """Give a ticket to a colleague."""
        to = {"assignee": str(self.colleagues[number % len(self.colleagues)])}
        return self.place.clients[LEAD].post(f"/desk/t/{self.ticket(number + 300)}/assign/?view=open", form=to)


def measure_write(name: str, big: Writer, small: Writer, samples: int) -> dict[str, Any]:
    """Act at both sizes in turn, a raw statement of the same rows in between."""
    found = {writer: Samples() for writer in (big, small)}
    for number in range(-12, samples):
        for writer in (big, small):
            visit = writer.acts[name](number)
            with writer.place.connection.transaction(force_rollback=True):
                raw = raw_ms(writer.place.connection, f"inbox_{name}", writer.scope | {"ticket": writer.ticket(number)})
            if number >= 0:
                found[writer].add(visit, raw)
    return figures(found[big], found[small])
