"""The story played in parallel at the public doors while something is killed, and what must hold afterwards.

Every writer repeats what was not acknowledged under the same id, as a browser, a shop and a mail server do; what was
acknowledged is written down with its id, and `check` looks for each of them in the tables.
"""

from __future__ import annotations

import http.client
import json
import random
import secrets
import smtplib
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import islice
from typing import Any

from cs_portal.demo.doors import Browser, DoorClosed
from tests.stack import RunningStack

PASSWORD = "demo-pass-2026"
AGENTS = ("agent@demo.example", "agent2@demo.example", "player@demo.example")
SURVEYS = 12
STARTS_IN = {"web": 3.0, "worker": 4.0, "valkey": 0.5, "postgres": 1.0}
SECONDS, MOST = 18.0, 90.0
INVITE = """
import json
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from core.actors import SYSTEM
from core.crypto import hash_token, random_token
from customers.services import find_or_add_customer
from feedback.models import Invitation
from feedback.services import invite
from tickets.services import NewTicket, open_ticket, resolve_ticket
now, links = timezone.now(), []
for n in range(COUNT):
    who = find_or_add_customer(email=f"asked{n}@mail.example", source="form", actor=SYSTEM, at=now)
    data = NewTicket(channel="form", text="杯子有裂纹", customer_id=who.pk, contact_email=f"asked{n}@mail.example")
    ticket = open_ticket(data=data, actor=SYSTEM, at=now)
    resolve_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=now)
    asked = invite(survey_key="ticket_csat", customer_id=who.pk, shop_id=None, ticket_id=ticket.pk, at=now)
    token = random_token()
    Invitation.objects.filter(pk=asked.pk).update(token_hash=hash_token(token))
    links.append([asked.pk, token])
print("LINKS " + json.dumps(links))
"""
DOORS = ("form", "order", "mail", "reply", "survey")
DELIVERED = """
SELECT d.id, d.message_id, d.state, d.channel, count(c.id) + count(n.id) AS caught
  FROM notifications_delivery d LEFT JOIN notifications_caught_mail c ON c.message_id = d.message_id
  LEFT JOIN notifications_caught_note n ON n.channel = d.channel AND n.reference LIKE d.id || 'x%%'
 WHERE d.id > %s GROUP BY d.id
"""


@dataclass
class Played:
    """What was acknowledged, by door: the writer's own id → what the door said."""

    acked: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in DOORS})
    tried: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    unasked: list[str] = field(default_factory=list)


class Story:
    """Writers at every door of a running, seeded product."""

    def __init__(self, stack: RunningStack, seed: int) -> None:
        self.stack, self.seed = stack, seed
        self.played = Played()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._hurry = threading.Event()
        self.doors: dict[str, Any] = {}
        self.links: list[tuple[int, str]] = []
        self.first_delivery = 0
        self.tickets: list[int] = []
        self.agents: dict[str, Browser] = {}

    # --- before ----------------------------------------------------------------------------------------------------
    def prepare(self) -> None:
        """Seed the demo, sign agents in, have surveys to answer."""
        self.stack.manage("seed_demo", "--small")
        self.doors = json.loads((self.stack.var / "demo-doors.json").read_text(encoding="utf-8"))
        with self.stack.db() as db:
            self.first_delivery = db.execute("SELECT coalesce(max(id), 0) AS n FROM notifications_delivery").fetchone()[
                "n"
            ]
            rows = db.execute(
                "SELECT id FROM tickets_ticket WHERE status IN ('new', 'open', 'waiting_customer') AND NOT is_spam"
                " ORDER BY id DESC LIMIT 40"
            ).fetchall()
        for email in AGENTS:
            self.agents[email] = Browser(self.stack.base_url)
            self.agents[email].sign_in(email, PASSWORD)
        shown = (row["id"] for row in rows if all(self._sees(agent, row["id"]) for agent in self.agents.values()))
        self.tickets = list(islice(shown, 6))  # every agent answers any of them
        said = self.stack.manage("shell", "-c", INVITE.replace("COUNT", str(SURVEYS))).stdout
        self.links = json.loads(said.split("LINKS ", 1)[1].splitlines()[0])
        assert self.tickets
        assert len(self.links) == SURVEYS

    # --- while things are killed -----------------------------------------------------------------------------------
    def play(self, disturb: Callable[[random.Random], int], *, breaks: int = 5, grace: float = 60.0) -> int:
        """Play while `disturb` breaks things every 1–3 s; return how often it did.

        It goes on for SECONDS, and on a slow machine until there were enough breaks and something got through at each
        door, MOST seconds at most. What is under way at the end is repeated until acknowledged, for `grace` seconds.
        """
        writers: list[Callable[[random.Random], None]] = [self._forms, self._forms, self._orders, self._orders]
        writers += [self._mails, self._mails, self._surveys, *[self._replies] * len(AGENTS)]
        threads = [
            threading.Thread(target=self._run, args=(writer, random.Random(self.seed * 100 + n), n), daemon=True)
            for n, writer in enumerate(writers)
        ]
        for thread in threads:
            thread.start()
        begun, done, dice = time.monotonic(), 0, random.Random(self.seed)
        while (passed := time.monotonic() - begun) < MOST:
            if passed > SECONDS and done >= breaks and all(self.played.acked.values()):
                break
            time.sleep(dice.uniform(1.0, 3.0))
            done += disturb(dice)
        self._ending.set()
        self.stack.wait_until_well(90)
        last = time.monotonic() + grace
        for thread in threads:
            thread.join(timeout=max(0.1, last - time.monotonic()))
        self._hurry.set()
        alive = [thread.name for thread in threads if thread.is_alive()]
        assert not alive, f"still without an answer after {grace} s: {alive}"
        assert not self.played.unasked, self.played.unasked[:5]
        assert done >= breaks, f"only {done} breaks in {MOST} s"
        return done

    def is_up(self, name: str) -> bool:
        """Tell whether a process has been running long enough to be at work, and the product answers."""
        service = self.stack._stack.supervisor[name]  # type: ignore[index]
        is_old = time.monotonic() - service.child.started_at > STARTS_IN[name.partition("-")[0]]
        return service.child.is_running and is_old and self.stack._stack.is_healthy()

    def _run(self, writer: Callable[[random.Random], None], dice: random.Random, number: int) -> None:
        threading.current_thread().name = f"{writer.__name__}-{number}"
        dice.number = number  # type: ignore[attr-defined]
        try:
            writer(dice)
        except Exception as error:  # noqa: BLE001 - the thread's end would hide it
            self.played.unasked.append(f"{writer.__name__}: {type(error).__name__} {error}")

    def _until_acked(self, door: str, key: str, send: Callable[[], tuple[bool, str]]) -> bool:
        """Repeat until acknowledged; False when time was up."""
        with self._lock:
            self.played.tried[door] += 1
        while not self._hurry.is_set():
            try:
                is_acked, said = send()
            except (OSError, http.client.HTTPException, smtplib.SMTPException, DoorClosed) as error:
                is_acked, said = False, type(error).__name__
            with self._lock:
                self.played.answers[door, said] += 1
                if is_acked:
                    self.played.acked[door].append(key)
            if is_acked:
                return True
            time.sleep(0.2)
        return False

    def _http(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, str]:
        """Send one request on a connection of its own; returns (status, Location, body)."""
        host = urllib.parse.urlsplit(self.stack.base_url)
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=8)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    @staticmethod
    def _sees(agent: Browser, ticket: int) -> bool:
        return agent.get(f"/desk/t/{ticket}/").status == 200

    def _refused(self, door: str, status: int, words: str) -> None:
        """Note an answer that no kill explains."""
        if status == 500 or (400 <= status < 500 and status not in {408, 425, 429}):
            self.played.unasked.append(f"{door}: {status} {words[:400]}")

    def _forms(self, dice: random.Random) -> None:
        for n in range(400):
            if self._ending.is_set():
                return
            draft, mark = secrets.token_urlsafe(24), f"form-{self.seed}-{dice.number}-{n}"  # type: ignore[attr-defined]
            fields = {
                "draft": draft,
                "stamp": "",
                "website": "",
                "category": "",
                "order_number": "",
                "phone": "",
                "email": f"{mark}@mail.example",
                "text": f"收到的保温杯有裂纹，请帮我看看。{mark}",
            }
            body = urllib.parse.urlencode(fields).encode()
            place = {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Forwarded-For": f"10.{dice.number}.{n // 200}.{n % 200 + 1}",  # type: ignore[attr-defined]
            }

            def send(body: bytes = body, place: dict[str, str] = place) -> tuple[bool, str]:
                status, to, words = self._http("POST", "/contact/?shop=sunny", body, place)
                self._refused("form", status, words)
                return status in {302, 303} and "/contact/done/" in to, str(status)

            self._until_acked("form", mark, send)
            time.sleep(dice.uniform(0.05, 0.25))

    def _orders(self, dice: random.Random) -> None:
        head = {"Authorization": f"Bearer {self.doors['api_key']}", "Content-Type": "application/json"}
        for n in range(400):
            if self._ending.is_set():
                return
            number = f"77{self.seed % 1000:03d}{dice.number:02d}{n:05d}"  # type: ignore[attr-defined]
            now = datetime.now(UTC)
            order = {
                "shop": "sunny",
                "number": number,
                "status": "paid",
                "placed_at": (now - timedelta(hours=1)).isoformat(),
                "paid_at": now.isoformat(),
                "total": "198.00",
                "paid": "198.00",
                "currency": "CNY",
                "recipient": "李小红",
                "phone": f"137{int(number[-8:]):08d}",
                "region": "浙江省 杭州市 西湖区",
                "street": "文三路 138 号",
                "items": [
                    {"title": "保温杯", "sku": "A-1", "quantity": 1, "unit_price": "99.00"},
                    {"title": "杯刷", "sku": "A-2", "quantity": 1, "unit_price": "99.00"},
                ],
                "parcels": [{"carrier": "shunfeng", "tracking_number": f"SF{number}"}],
            }
            body, key = json.dumps(order).encode(), {**head, "Idempotency-Key": f"fault-{number}"}

            def send(body: bytes = body, key: dict[str, str] = key) -> tuple[bool, str]:
                status, _to, words = self._http("POST", "/api/v1/orders/", body, key)
                self._refused("order", status, words)
                return status in {200, 201}, str(status)

            self._until_acked("order", number, send)
            time.sleep(dice.uniform(0.05, 0.3))

    def _mails(self, dice: random.Random) -> None:
        for n in range(400):
            if self._ending.is_set():
                return
            mark = f"mail-{self.seed}-{dice.number}-{n}"  # type: ignore[attr-defined]
            mail = EmailMessage()
            mail["From"], mail["To"] = f"{mark}@mail.example", "service@service.example"
            mail["Subject"], mail["Message-ID"] = f"物流没有更新 {mark}", f"<{mark}@mail.example>"
            mail.set_content(f"包裹三天没有更新了，麻烦查一下。{mark}")

            def send(mail: EmailMessage = mail) -> tuple[bool, str]:
                with smtplib.SMTP("127.0.0.1", self.stack.mail_port, timeout=8) as server:
                    server.send_message(mail)
                return True, "250"

            self._until_acked("mail", mark, send)
            time.sleep(dice.uniform(0.1, 0.4))

    def _replies(self, dice: random.Random) -> None:
        email = AGENTS[dice.number % len(AGENTS)]  # type: ignore[attr-defined]
        agent = self.agents[email]
        for _turn in range(400):
            if self._ending.is_set():
                return
            ticket, client_id = dice.choice(self.tickets), str(uuid.UUID(int=dice.getrandbits(128), version=4))
            fields = {"kind": "public", "text": f"您好，马上为您处理。reply-{client_id}", "client_id": client_id}

            def send(ticket: int = ticket, fields: dict[str, str] = fields) -> tuple[bool, str]:
                answer = agent.post(f"/desk/t/{ticket}/reply/", fields, Accept="application/json")
                if "/accounts/login" in answer.url:
                    agent.sign_in(email, PASSWORD)
                    return False, "signed out"
                self._refused("reply", answer.status, answer.text)
                return answer.status == 200 and '"ok"' in answer.text, str(answer.status)

            self._until_acked("reply", client_id, send)
            time.sleep(dice.uniform(0.2, 0.6))

    def _surveys(self, dice: random.Random) -> None:
        for number, token in self.links:
            if self._ending.is_set():
                return
            visitor = Browser(self.stack.base_url)

            def send(visitor: Browser = visitor, token: str = token) -> tuple[bool, str]:
                visitor.get(f"/s/{token}")
                answer = visitor.post(f"/s/{token}", {"csat": dice.choice("345"), "comment": "谢谢"})
                return answer.status == 200 and answer.url.endswith("/thanks"), str(answer.status)

            self._until_acked("survey", str(number), send)
            time.sleep(dice.uniform(0.5, 1.5))

    # --- afterwards ------------------------------------------------------------------------------------------------
    def settle(self, seconds: float) -> None:
        """Wait until no due job is left."""
        end, left = time.monotonic() + seconds, []
        while time.monotonic() < end:
            with self.stack.db() as db:
                left = db.execute(
                    "SELECT name, state, attempts, count(*) FROM core_job WHERE state IN ('ready', 'running')"
                    " AND due_at <= now() GROUP BY 1, 2, 3"
                ).fetchall()
            if not left:
                return
            time.sleep(0.5)
        raise AssertionError(f"jobs still due after {seconds} s: {left}\n{self.stack.log('worker')[-3000:]}")

    def check(self) -> dict[str, int]:
        """Look for every acknowledged request, once, and for everything that follows from it; returns row counts."""
        for door in DOORS:
            assert self.played.acked[door], f"nothing was acknowledged at the door {door}: {self.played.answers}"
        with self.stack.db() as db:
            rows = {
                "form": self._once(db, "form"),
                "mail": self._once(db, "mail"),
                "reply": self._once_by_client_id(db),
                "order": self._orders_once(db),
                "survey": self._surveys_once(db),
            }
            self._mails_applied(db)
            self._conversations_are_dense(db)
            self._deliveries_arrived(db)
            self._jobs_are_at_rest(db)
        self._figures_equal_a_recount()
        return rows

    def _once(self, db: Any, door: str) -> int:
        found: Counter[str] = Counter()
        query = "SELECT text FROM tickets_message WHERE author_type = 'customer' AND text LIKE %s"
        for row in db.execute(query, [f"%{door}-{self.seed}-%"]):
            found[door + "-" + row["text"].rsplit(f"{door}-", 1)[1].split()[0]] += 1
        self._compare(door, found)
        return found.total()

    def _once_by_client_id(self, db: Any) -> int:
        query = "SELECT text FROM tickets_message WHERE author_type = 'staff' AND text LIKE '%%reply-%%'"
        found = Counter(row["text"].rsplit("reply-", 1)[1].strip() for row in db.execute(query))
        self._compare("reply", found)
        return found.total()

    def _orders_once(self, db: Any) -> int:
        query = """
            SELECT o.number, count(DISTINCT i.id) AS items, count(DISTINCT p.id) AS parcels,
                   (SELECT count(*) FROM core_event e WHERE e.order_id = o.id AND e.kind = 'order.placed') AS placed
              FROM orders_order o LEFT JOIN orders_item i ON i.order_id = o.id
              LEFT JOIN orders_parcel p ON p.order_id = o.id
             WHERE o.number LIKE %s GROUP BY o.id"""
        rows = db.execute(query, [f"77{self.seed % 1000:03d}%"]).fetchall()
        self._compare("order", Counter(row["number"] for row in rows))
        odd = [row for row in rows if (row["items"], row["parcels"], row["placed"]) != (2, 1, 1)]
        assert not odd, odd[:3]
        return len(rows)

    def _surveys_once(self, db: Any) -> int:
        ids = [number for number, _token in self.links]
        rows = db.execute(
            "SELECT i.id FROM feedback_answer a JOIN feedback_invitation i ON i.id = a.invitation_id"
            " WHERE i.id = ANY(%s) AND i.answered_at IS NOT NULL",
            [ids],
        ).fetchall()
        self._compare("survey", Counter(str(row["id"]) for row in rows))
        return len(rows)

    def _compare(self, door: str, found: Counter[str]) -> None:
        acked = self.played.acked[door]
        assert len(acked) == len(set(acked))
        lost = set(acked) - set(found)
        assert not lost, f"{door}: {len(lost)} of {len(acked)} acknowledged are lost: {sorted(lost)[:5]}"
        doubled = [key for key, count in found.items() if count > 1]
        assert not doubled, f"{door}: doubled {doubled[:5]}"
        assert len(found) <= self.played.tried[door]

    def _mails_applied(self, db: Any) -> None:
        odd = db.execute(
            "SELECT state, count(*) FROM notifications_inbound_mail WHERE state <> 'applied' OR ticket_id IS NULL"
            " GROUP BY state"
        ).fetchall()
        assert not odd, odd

    def _conversations_are_dense(self, db: Any) -> None:
        odd = db.execute(
            "SELECT t.id FROM tickets_ticket t JOIN tickets_message m ON m.ticket_id = t.id GROUP BY t.id"
            " HAVING count(*) <> max(m.seq) OR min(m.seq) <> 1 OR t.last_seq <> max(m.seq)"
            " OR count(DISTINCT m.seq) <> count(*)"
        ).fetchall()
        assert not odd, f"gaps in the numbering of tickets {odd[:5]}"

    def _deliveries_arrived(self, db: Any) -> None:
        rows = db.execute(DELIVERED, [self.first_delivery]).fetchall()
        assert rows
        assert len({row["message_id"] for row in rows}) == len(rows)
        late = [row for row in rows if row["state"] not in {"sent", "delivered"}]
        assert not late, f"{len(late)} messages not sent: {late[:3]}"
        lost = [row for row in rows if row["caught"] < 1]
        assert not lost, f"{len(lost)} messages called sent never arrived: {lost[:3]}"
        owed = db.execute(
            "SELECT m.id FROM tickets_message m JOIN tickets_ticket t ON t.id = m.ticket_id"
            " WHERE m.author_type = 'staff' AND m.text LIKE '%%reply-%%' AND m.delivery_id IS NULL"
            " AND (t.contact_enc IS NOT NULL OR EXISTS (SELECT 1 FROM customers_identity i"
            " WHERE i.customer_id = t.customer_id AND i.kind = 'email' AND i.is_primary))"
        ).fetchall()
        assert not owed, f"{len(owed)} answers without a message to the customer"
        strangers = db.execute(
            "SELECT count(*) AS n FROM notifications_caught_mail c WHERE NOT EXISTS"
            " (SELECT 1 FROM notifications_delivery d WHERE d.message_id = c.message_id)"
        ).fetchone()["n"]
        assert strangers == 0, f"{strangers} mails went out that no message row knows"

    def _jobs_are_at_rest(self, db: Any) -> None:
        quarantined = db.execute(
            "SELECT name, key, last_error, attempts FROM core_job WHERE state = 'quarantined'"
        ).fetchall()
        assert not quarantined, quarantined[:5]
        held = db.execute(
            "SELECT name, key FROM core_job WHERE state = 'running' AND lease_until < now() - interval '10 seconds'"
        ).fetchall()
        assert not held, held[:5]

    def _figures_equal_a_recount(self) -> None:
        """Compare the figures as they grew with the figures folded again from the whole log.

        The stack lives on meanwhile (a deadline passes, a rule acts): when the log grew between the two, look again.
        """
        for _look in range(5):
            told = self._caught_up()
            before = self._figures()
            self.stack.manage("rebuild_kpis")
            after = self._figures()
            if before == after or told == self._caught_up():
                break
        assert before == after, [row for row in before if row not in after][:5]
        with self.stack.db() as db:
            opened = db.execute("SELECT count(*) AS n FROM kpi_fact WHERE metric = 'tickets_opened'").fetchone()["n"]
            tickets = db.execute(
                "SELECT count(*) AS n FROM core_event o WHERE kind = 'ticket.opened' AND NOT coalesce((SELECT"
                " m.kind = 'ticket.marked_spam' FROM core_event m WHERE m.ticket_id = o.ticket_id AND m.kind IN"
                " ('ticket.marked_spam', 'ticket.unmarked_spam') ORDER BY m.id DESC LIMIT 1), false)"
                " AND NOT coalesce((SELECT m.kind = 'ticket.merged' FROM core_event m WHERE m.ticket_id = o.ticket_id"
                " AND m.kind IN ('ticket.merged', 'ticket.unmerged') ORDER BY m.id DESC LIMIT 1), false)"
            ).fetchone()["n"]
        assert opened == tickets, (opened, tickets)

    def _caught_up(self) -> int:
        """Wait until the folds, which run behind the horizon, have read the log; return its newest event."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with self.stack.db() as db:
                row = db.execute(
                    "SELECT (SELECT max(id) FROM core_event) AS newest, EXISTS (SELECT 1 FROM core_fold_cursor c"
                    " JOIN core_event e ON e.xid >= c.upto WHERE c.is_active) AS is_behind"
                ).fetchone()
            if not row["is_behind"]:
                return int(row["newest"])
            time.sleep(0.5)
        raise AssertionError("the folds did not catch up with the log within a minute")

    def _figures(self) -> list[tuple[Any, ...]]:
        with self.stack.db() as db:
            facts = db.execute("SELECT metric, fact_key, day, value, numerator, denominator FROM kpi_fact").fetchall()
            cells = db.execute(
                "SELECT metric, day, bucket, shop_id, team_id, agent_id, n, numerator, value_sum FROM kpi_rollup"
                " WHERE n <> 0"
            ).fetchall()
        return sorted((tuple(map(str, row.values())) for row in (*facts, *cells)), key=str)

    def report(self, kills: int, rows: dict[str, int]) -> None:
        """Print what happened."""
        acked = {door: len(keys) for door, keys in self.played.acked.items()}
        answers = {f"{door} {said}": count for (door, said), count in sorted(self.played.answers.items())}
        print(json.dumps({"seed": self.seed, "kills": kills, "acked": acked, "rows": rows, "answers": answers}))
