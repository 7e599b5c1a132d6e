"""The self-playing demo: customers and a colleague who use the public doors, at the pace of a small shop."""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cs_portal.demo.doors import Api, Browser, CarrierCounter, DoorClosed, contact
from cs_portal.demo.past import order_data, people
from cs_portal.demo.pbx import Pbx
from cs_portal.demo.words import ANSWERS, COMMENTS, FOLLOW_UPS, NOT_SENT, QUESTIONS

logger = logging.getLogger(__name__)
CALL_NOTES = ["客户问快递进度，已查到今天派送。", "咨询尺寸，已给建议。", "退货流程已说明，客户会在订单页申请。"]
TRACE = [
    ("103", "picked_up", "【{from_}】快件已揽收"),
    ("1002", "in_transit", "【{from_}转运中心】快件已发出，下一站【{to}】"),
    ("1001", "in_transit", "【{to}】快件已到达目的地城市"),
    ("5", "out_for_delivery", "【{to}】派送员正在派送，请保持电话畅通"),
    ("301", "delivered", "【{to}】已签收，签收人：本人"),
]


class Player:
    """Keeps the demo moving; every act is one a stranger could do with the same key, form or mail."""

    def __init__(
        self, base_url: str, doors: dict[str, Any], seed: int | None = None, carrier: CarrierCounter | None = None
    ) -> None:
        self.base_url, self.doors, self.carrier = base_url, doors, carrier
        self.dice = random.Random(seed)
        self.api = Api(base_url, doors["api_key"])
        self.agent = Browser(base_url)
        self.is_signed_in = False
        self.crowd = people(self.dice, 60)
        self.parcels: list[dict[str, Any]] = []
        self.orders: list[tuple[str, Any, str]] = []
        self.asking: set[Any] = set()  # so that not one customer asks again and again while others keep silent
        self.answered: set[str] = set()
        self.count = 0
        self.calling: threading.Thread | None = None

    def acts(self) -> list[tuple[int, Callable[[], str]]]:
        """Return the acts with their weights."""
        return [
            (4, self.place_order),
            (6, self.scan_parcel),
            (3, self.ask),
            (3, self.answer),
            (2, self.write_back),
            (2, self.rate),
            *([(1, self.call)] if "phone" in self.doors else []),
        ]

    def play(self, pause: tuple[float, float] = (4, 11)) -> None:
        """Act for ever; a door that is closed is tried again later."""
        while True:
            weights, acts = zip(*self.acts(), strict=True)
            act = self.dice.choices(acts, weights)[0]
            try:
                logger.info("demo.%s %s", act.__name__, act())
            except DoorClosed as closed:
                logger.warning("demo.%s closed: %s", act.__name__, closed)
                self.is_signed_in = False
            time.sleep(self.dice.uniform(*pause))

    def place_order(self) -> str:
        """Send a new order through the API, as a shop does."""
        self.count += 1
        person, now = self.dice.choice(self.crowd), datetime.now(UTC)
        shop = self.dice.choice(["sunny", "sunny", "bedding"])
        number = f"{now:%y%m%d%H%M%S}{self.count % 1000:03d}"
        data = order_data(self.dice, shop, number, person, now - timedelta(minutes=3))
        tracking = f"SF{self.dice.randrange(10**11, 10**12)}"
        body = {
            "shop": shop,
            "number": number,
            "status": "paid",
            "placed_at": data.placed_at.isoformat() if data.placed_at else "",
            "paid_at": data.paid_at.isoformat() if data.paid_at else "",
            "total": str(data.total),
            "paid": str(data.total),
            "currency": "CNY",
            "recipient": person.name,
            "phone": person.phone,
            "email": person.email,
            "region": person.region,
            "street": person.street,
            "items": [
                {"title": i.title, "sku": i.sku, "quantity": i.quantity, "unit_price": str(i.unit_price)}
                for i in data.items
            ],
            "parcels": [{"carrier": "shunfeng", "tracking_number": tracking}],
        }
        status, answer = self.api.send("POST", "/orders/", body, **{"Idempotency-Key": f"demo-{number}"})
        if status >= 400:
            raise DoorClosed(f"order refused: {status} {json.dumps(answer, ensure_ascii=False)[:300]}")
        self.orders.append((number, person, shop))
        self.parcels.append({"tracking": tracking, "step": 0, "to": person.region.split()[1]})
        return number

    def scan_parcel(self) -> str:
        """Have a parcel scanned: at the carrier, whose provider pushes it, or through the scans door.

        Sometimes it is told twice, as carriers do.
        """
        under_way = [parcel for parcel in self.parcels if parcel["step"] < len(TRACE)]
        if not under_way:
            return self.place_order()
        parcel = self.dice.choice(under_way)
        code, status_word, text = TRACE[parcel["step"]]
        scan = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "code": code,
            "status": status_word,
            "text": text.format(from_="杭州市", to=parcel["to"]),
            "place": "杭州市" if parcel["step"] < 2 else parcel["to"],
        }
        times = self.dice.choice([1, 1, 2])
        if self.carrier is not None:
            self.carrier.scan(parcel["tracking"], scan, times)
            parcel["step"] += 1
            return f"{parcel['tracking']} {status_word} at the carrier"
        for _ in range(times):
            status, answer = self.api.send("POST", f"/parcels/{parcel['tracking']}/scans/", {"scans": [scan]})
            if status >= 400:
                raise DoorClosed(f"scan refused: {status} {json.dumps(answer, ensure_ascii=False)[:300]}")
        parcel["step"] += 1
        return f"{parcel['tracking']} {status_word}"

    def ask(self) -> str:
        """Ask through the public form, with a photo when something is broken."""
        quiet = [order for order in self.orders if order[1] not in self.asking]
        if not quiet:
            self.asking.clear()
            self.place_order()
            quiet = self.orders[-1:]
        number, person, shop = self.dice.choice(quiet)
        self.asking.add(person)
        case = self.dice.choice([case for case in QUESTIONS if not case.sku and case.state in ("", NOT_SENT)])
        contact(
            Browser(self.base_url),
            shop=shop,
            text=case.text,
            phone=person.phone,
            email=person.email,
            order_number=number if self.dice.random() < 0.8 else "",
            photo=case.category in {"quality", "complaint"},
        )
        return case.category

    def answer(self) -> str:
        """Answer the oldest ticket nobody took, as a signed-in colleague."""
        self._sign_in()
        page = self.agent.get("/desk/?view=unassigned")
        tickets = re.findall(r'<a class="[^"]*\bticket\b[^"]*"[^>]*\bhref="/desk/t/(\d+)/', page.text)
        if len(set(tickets)) < 6:  # leave some for the person who is trying the product
            return self.ask()
        ticket = tickets[-1]
        then = self.dice.choice(["", "resolved", "resolved", "waiting"])
        self._reply(ticket, self.dice.choice(ANSWERS), then)
        return f"ticket {ticket}"

    def _reply(self, ticket: str, text: str, then: str) -> None:
        page = self.agent.get(f"/desk/t/{ticket}/")
        fields = {"kind": "public", "text": text, "then": then, "client_id": page.hidden("client_id")}
        for name in ("seen_version", "version"):
            if f'name="{name}"' in page.text:
                fields[name] = page.hidden(name)
        answer = self.agent.post(f"/desk/t/{ticket}/reply/", fields)
        if answer.status >= 400:
            raise DoorClosed(f"reply refused: {answer.status}")

    def write_back(self) -> str:
        """Answer a mail of ours as its recipient: a real mail to the listener."""
        mail = self._fresh_mail("回复|Re:")
        if mail is None:
            return "no mail"
        answer = self.agent.post(f"/mail/{mail}/reply/", {"text": self.dice.choice(FOLLOW_UPS)})
        if answer.status >= 400:
            raise DoorClosed(f"mail reply refused: {answer.status}")
        return f"mail {mail}"

    def rate(self) -> str:
        """Follow a survey's link from a mail and answer it."""
        mail = self._fresh_mail("评价|满意|rate")
        if mail is None:
            return "no survey"
        page = self.agent.get(f"/mail/{mail}/")
        found = re.search(r"/s/([A-Za-z0-9_-]{16,})", page.text)
        if not found:
            return "no link"
        score = self.dice.choices([5, 4, 3, 2, 1], [55, 28, 9, 5, 3])[0]
        answer_survey(Browser(self.base_url), f"/s/{found.group(1)}", score, self.dice.choice(COMMENTS[score]))
        return f"{score} of 5"

    def call(self) -> str:
        """Call the service line: at the desk of whoever tries the product when she is free, else at a colleague's.

        The PBX plays by itself beside the other acts, one call at a time; a colleague of ours wraps up behind it.
        """
        if self.calling is not None and self.calling.is_alive():
            return "on the phone already"
        door = self.doors["phone"]
        pbx, seats = Pbx(self.base_url, door["key"], door["secret"]), door["extensions"]
        free, own = pbx.free_extensions(), seats[self.doors["agent"]]
        visitor = seats["agent@demo.example"]
        extension = visitor if visitor in free else own
        if self.orders and self.dice.random() < 0.8:
            number = self.dice.choice(self.orders)[1].phone
        else:
            number = self.dice.choice(self.crowd).phone
        is_answered = self.dice.random() < 0.75 and (extension in free or extension == own)
        told: dict[str, Any] = {
            "ring": self.dice.uniform(8, 14), "talk": self.dice.uniform(20, 45), "answered": is_answered,
            "keys": self.dice.choice([("1",), ("2", "1"), ("2", "2")]), "dice": self.dice,
        }  # fmt: skip

        def play() -> None:
            try:
                pbx.play_call(number, extension, **told)
                if is_answered and extension == own:
                    self._wrap_up()
            except DoorClosed as closed:
                logger.warning("demo.call closed: %s", closed)

        self.calling = threading.Thread(target=play, daemon=True)
        self.calling.start()
        return f"rings at {extension}"

    def _wrap_up(self) -> None:
        """Wrap up the calls of our colleague, as she would on the calls' page."""
        colleague = Browser(self.base_url)
        colleague.sign_in(self.doors["agent"], self.doors["password"])
        for path in set(re.findall(r"/desk/calls/\d+/wrap-up/", colleague.get("/desk/calls/").text)):
            fields = {"disposition": "solved", "note": self.dice.choice(CALL_NOTES), "status": "resolved"}
            colleague.post(path, fields)

    def _fresh_mail(self, words: str) -> str | None:
        """Return a mail not used yet whose line in the list fits the words."""
        page = self.agent.get("/mail/")
        lines = re.findall(r'href="/mail/(\d+)/[^"]*"(.*?)</a>', page.text, re.S)
        for number, line in lines:
            if number not in self.answered and re.search(words, line):
                self.answered.add(number)
                return str(number)
        return None

    def _sign_in(self) -> None:
        if not self.is_signed_in:
            self.agent.sign_in(self.doors["agent"], self.doors["password"])
            self.is_signed_in = True


def answer_survey(visitor: Browser, path: str, score: int, comment: str) -> None:
    """Fill in a survey page without JavaScript: the score, then what else it asks. Raises DoorClosed."""
    page = visitor.get(path)
    if page.status != 200:
        raise DoorClosed(f"survey: {page.status}")
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<(?:input|textarea|button)\b[^>]*>", page.text):
        name = re.search(r'name="([^"]+)"', tag)
        if not name or name.group(1) == "csrfmiddlewaretoken" or name.group(1) in fields:
            continue
        value = re.search(r'value="([^"]*)"', tag)
        if 'type="radio"' in tag:
            fields[name.group(1)] = str(score)
        elif 'type="checkbox"' in tag:
            if score <= 3 and value:
                fields[name.group(1)] = value.group(1)
        elif 'type="hidden"' in tag:
            fields[name.group(1)] = value.group(1) if value else ""
        elif tag.startswith("<textarea"):
            fields[name.group(1)] = comment
    time.sleep(4)  # read before answering; quicker than that is set aside as invalid
    answer = visitor.post(path, fields)
    if answer.status >= 400:
        raise DoorClosed(f"survey answer refused: {answer.status}")


__all__ = ["Player", "answer_survey"]
