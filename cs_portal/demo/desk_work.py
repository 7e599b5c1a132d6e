"""What lies on the demo's desk besides questions: work of departments, promises, doubles, a planned answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from core.actors import SYSTEM, Actor
from cs_portal.demo import work_words as words
from cs_portal.demo.desk_setup import Departments, standard_keys
from cs_portal.demo.people import Cast
from orders.models import Order, OrderItem, Product
from tickets import services as tickets
from tickets.enums import LinkKind
from tickets.models import Category, Commitment, CustomField, DepartmentTask, Ticket
from tickets.services import promises, tasks
from tickets.services.defects import Defect
from tickets.services.linking import link_tickets
from tickets.services.merging import merge_tickets
from tickets.services.standards import tick_step
from tickets.services.task_clock import escalate_task
from tickets.services.undo_send import Pressed
from tickets.work_enums import TaskKind, Tier

ZONE = ZoneInfo("Asia/Shanghai")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass
class DeskWork:
    """Tells what is owed and by whom; each story stands for itself."""

    cast: Cast
    departments: Departments
    orders: list[Order]
    now: datetime

    def __post_init__(self) -> None:
        self.categories = dict(Category.objects.values_list("key", "pk"))
        self.fields = dict(CustomField.objects.values_list("key", "pk"))
        self.goods: dict[int, set[str]] = {}
        for order_id, sku in OrderItem.objects.filter(order__in=self.orders).values_list("order_id", "sku"):
            self.goods.setdefault(order_id, set()).add(sku)
        self.me = Actor.staff(self.cast.staff["agent@demo.example"])
        self.colleague = Actor.staff(self.cast.staff["agent2@demo.example"])
        self.people = {name: Actor.staff(one) for name, one in self.departments.people.items()}

    def tell(self) -> None:
        """Tell all stories."""
        self.tell_tasks()
        self.tell_promises()
        self.tell_doubles()
        self.tell_queue()

    def _order(self, place: int, sku: str = "", status: str = "") -> Order:
        """Return an order counted from the newest, of a product or in a state if named.

        A small demo begins again at its end, and takes any order when none fits.
        """
        rows = [one for one in self.orders if not sku or sku in self.goods.get(one.pk, ())]
        rows = [one for one in rows if not status or one.status == status] or rows or self.orders
        return rows[-1 - place % len(rows)]

    def _open(self, order: Order, category: str, text: str, ago: timedelta, channel: str = "form") -> Ticket:
        data = tickets.NewTicket(
            channel=channel, text=text, shop_id=order.shop_id, customer_id=order.customer_id, order_id=order.pk,
            category_id=self.categories[category],
        )  # fmt: skip
        actor = Actor.customer(order.customer_id)
        return tickets.open_ticket(data=data, actor=actor, at=self.now - ago)

    def _answer(self, ticket: Ticket, text: str, ago: timedelta, by: Actor | None = None) -> int:
        """Take the ticket and answer; returns the message."""
        by, at = by or self.me, self.now - ago
        tickets.assign_ticket(ticket_id=ticket.pk, assignee_id=by.id, actor=by, at=at - MINUTE, reason="taken")
        message = tickets.reply_to_ticket(ticket_id=ticket.pk, text=text, actor=by, at=at, client_id=None)
        return message.pk

    # departments

    def _ask(self, ticket: Ticket, team: str, asked: str, ago: timedelta, due: timedelta) -> DepartmentTask:
        """Ask a department; `due` counts from now and may lie behind."""
        order = tasks.TaskOrder(team_id=self.departments.teams[team].pk, asked=asked, due_at=self.now + due)
        return tasks.ask_department(ticket_id=ticket.pk, order=order, actor=self.me, at=self.now - ago)

    def tell_tasks(self) -> None:
        """One overdue, one in hand, one answered, a joint response half there, a defect found by the third line."""
        pot = self._open(self._order(1, "POT-05", "delivered"), "quality-defect", words.POT, 7 * HOUR)
        self._answer(pot, "您好，这种情况不应该出现，先请您不要使用。我马上请品控同事核查，今天之内答复您。", 6 * HOUR)
        values = {self.fields["damage"]: "finish", self.fields["batch"]: "PE2611-03", self.fields["safe"]: "yes"}
        tickets.fill_fields(ticket_id=pot.pk, values=values, actor=self.me, at=self.now - 6 * HOUR)
        for key in standard_keys()[:2]:
            tick_step(ticket_id=pot.pk, key=key, is_done=True, actor=self.me, at=self.now - 6 * HOUR)
        late = self._ask(pot, "仓储部", words.OVERDUE_ASKED, 5 * HOUR, -50 * MINUTE)
        escalate_task(task_id=late.pk, round_=1, level=1, at=late.due_at)

        parcel = self._open(
            self._order(8, status="shipped"),
            "logistics-late",
            words.PARCEL,
            3 * HOUR,
            "email",
        )
        self._answer(parcel, "让您着急了，我这就联系快递，问清楚以后马上告诉您。", 2 * HOUR)
        asked = self._ask(parcel, "物流部", words.TAKEN_ASKED, 110 * MINUTE, 3 * HOUR)
        tasks.take_task(task_id=asked.pk, actor=self.people["物流部"], at=self.now - 80 * MINUTE)

        cups = self._open(self._order(1, "MUG-02", "delivered"), "quality-wrong", words.CUPS, 9 * HOUR)
        self._answer(cups, "抱歉，我请仓库看一下打包录像，今天给您答复。", 8 * HOUR)
        done = self._ask(cups, "仓储部", words.ANSWERED_ASKED, 8 * HOUR - MINUTE, -2 * HOUR)
        answer = tasks.TaskAnswer(text=words.ANSWER)
        tasks.answer_task(task_id=done.pk, answer=answer, actor=self.people["仓储部"], at=self.now - 3 * HOUR)

        self._tell_joint()
        self._tell_escalation()

    def _tell_joint(self) -> None:
        vase = self._open(
            self._order(1, "VAS-02", "delivered"),
            "complaint-product",
            words.VASE,
            5 * HOUR,
            "email",
        )
        self._answer(vase, words.VASE_ANSWER, 4 * HOUR, self.colleague)
        teams = self.departments.teams
        order = tasks.TaskOrder(team_id=0, asked=words.JOINT_ASKED, due_at=self.now + 6 * HOUR)
        both = [teams["物流部"].pk, teams["品控部"].pk]
        joint = tasks.ask_jointly(
            ticket_id=vase.pk, team_ids=both, order=order, actor=self.colleague, at=self.now - 4 * HOUR + MINUTE
        )
        part = joint.parts.get(team=teams["物流部"])
        answer = tasks.TaskAnswer(text=words.JOINT_PART)
        tasks.answer_task(task_id=part.pk, answer=answer, actor=self.people["物流部"], at=self.now - HOUR)

    def _tell_escalation(self) -> None:
        lamp = self._open(self._order(2, "LMP-03"), "quality-defect", words.LAMP, 22 * HOUR)
        self._answer(lamp, "感谢您试得这么仔细。我请技术同事判断，明天给您答复。", 21 * HOUR, self.colleague)
        order = tasks.TaskOrder(
            team_id=self.departments.teams["品控部"].pk, asked=words.TIER_ASKED, due_at=self.now - HOUR,
            kind=TaskKind.TIER, tier=Tier.RESEARCH,
        )  # fmt: skip
        task = tasks.ask_department(ticket_id=lamp.pk, order=order, actor=self.colleague, at=self.now - 20 * HOUR)
        product = Product.objects.filter(sku="LMP-03").values_list("pk", flat=True).first()
        answer = tasks.TaskAnswer(text=words.TIER_ANSWER, defect=Defect(words=words.DEFECT, product_id=product))
        tasks.answer_task(task_id=task.pk, answer=answer, actor=self.people["品控部"], at=self.now - 4 * HOUR)

    # promises

    def _promise(self, ticket: Ticket, said: int, kind: str, what: str, due: timedelta, ago: timedelta) -> Commitment:
        promise = promises.NewPromise(kind=kind, words=what, due_at=self.now + due, message_id=said)
        return promises.make_promise(ticket_id=ticket.pk, promise=promise, actor=self.me, at=self.now - ago)

    def tell_promises(self) -> None:
        """One due today, one broken and still owed, one kept and told; one settled late; one for the day after."""
        bottle = self._open(self._order(1, "CUP-07", "delivered"), "return-exchange", words.BOTTLE, 4 * HOUR)
        text = "可以换的，今天下班前为您寄出新的一只，旧的等快递上门来取。"
        said = self._answer(bottle, text, 3 * HOUR)
        self._promise(bottle, said, "replacement", "今天下班前寄出新保温杯", self._later_today(), 3 * HOUR)

        refund = self._open(self._order(2, "PIL-04"), "refund-progress", words.PILLOW, 26 * HOUR)
        said = self._answer(refund, "查到您的退货已经签收，我请财务今天上午处理，12 点前给您答复。", 25 * HOUR)
        broken = self._promise(refund, said, "refund", "催财务退款并答复", -2 * HOUR, 25 * HOUR)
        promises.break_promise(promise_id=broken.pk, round_=1, at=broken.due_at)

        call = self._open(self._order(24), "complaint-service", "昨天说好回电话的，等了一天没有人打。", 28 * HOUR)
        said = self._answer(call, "对不起，今天 18 点前我亲自给您打电话。", 27 * HOUR)
        kept = self._promise(call, said, "call", "18 点前回电话", -20 * HOUR, 27 * HOUR)
        told = promises.Telling(text=words.KEPT_TOLD, client_id=uuid4())
        promises.settle_promise(promise_id=kept.pk, actor=self.me, at=self.now - 22 * HOUR, telling=told)

        quilt = self._open(self._order(0, "DUV-90", "paid"), "order-change", words.QUILT, 30 * HOUR)
        said = self._answer(quilt, "能改，我今晚前确认好告诉您。", 29 * HOUR)
        late = self._promise(quilt, said, "answer", "确认改地址", -24 * HOUR, 29 * HOUR)
        promises.break_promise(promise_id=late.pk, round_=1, at=late.due_at)
        promises.settle_promise(promise_id=late.pk, actor=self.me, at=self.now - 22 * HOUR)
        said = self._answer(quilt, "地址改好了，后天上午给您单号。", 21 * HOUR)
        self._promise(quilt, said, "shipping", "后天上午给快递单号", 44 * HOUR, 21 * HOUR)

    def _later_today(self) -> timedelta:
        """Return how long until some hours ahead, still within the day where there is time left."""
        local = self.now.astimezone(ZONE)
        midnight = datetime.combine(local.date() + timedelta(days=1), time.min, ZONE)
        return max(min(3 * HOUR, midnight - local - 10 * MINUTE), 25 * MINUTE)

    # doubles, plans, queues

    def tell_doubles(self) -> None:
        """A pair joined, a pair that waits to be, a pair that is linked, and an answer planned for the morning."""
        order = self._order(6)
        first = self._open(order, "invoice-correct", "发票抬头少了“有限公司”四个字，麻烦重开。", 95 * MINUTE)
        again = self._open(order, "invoice-correct", words.INVOICE_AGAIN, 70 * MINUTE, "email")
        self._answer(first, "收到，我请财务重开，明天上午把新的电子发票发给您。", 60 * MINUTE)
        merge_tickets(source_id=again.pk, target_id=first.pk, actor=self.me, at=self.now - 55 * MINUTE)
        due_at = self._tomorrow_at(9, 30)
        pressed = Pressed(source=words.PLANNED, client_id=uuid4())
        tickets.hold_message(
            ticket_id=first.pk, pressed=pressed, actor=self.me, at=self.now - 50 * MINUTE, due_at=due_at
        )

        order = self._order(3, status="shipped")
        self._open(order, "logistics-where", "包裹还没收到，帮忙看看到哪里了。", 48 * MINUTE)
        self._open(order, "logistics-where", "我在网页上问过一次，没有人回，包裹到底在哪里？", 16 * MINUTE, "email")

        blanket = self._open(self._order(2, "BLK-06"), "return-request", words.BLANKET, 130 * MINUTE)
        same = self._open(self._order(4, "BLK-06"), "return-request", words.BLANKET_TOO, 90 * MINUTE)
        link_tickets(
            ticket_id=blanket.pk, other_id=same.pk, kind=LinkKind.RELATED, actor=self.colleague,
            at=self.now - 80 * MINUTE,
        )  # fmt: skip
        tickets.add_note(
            ticket_id=same.pk, text="@王晓慧 这已经是第二位说盖毯偏黄的，详情页的图要不要换？你那边有没有类似的？",
            actor=self.colleague, at=self.now - 78 * MINUTE, mentioned_ids=[self.me.id or 0],
        )  # fmt: skip

    def _tomorrow_at(self, hour: int, minute: int) -> datetime:
        local = self.now.astimezone(ZONE)
        return datetime.combine(local.date() + timedelta(days=1), time(hour, minute), ZONE)

    def tell_queue(self) -> None:
        """Let the team whose tickets are handed out have some, two with a colleague and two that wait."""
        questions = [
            ("return-request", "MAT-02", "床垫拆了真空包装还能退吗？"),
            ("refund-amount", "PIL-04", "退款少了 12 元，是扣了运费吗？"),
            ("return-repair", "CLK-01", "挂钟走着走着停了，能修吗？"),
            ("return-exchange", "SHT-21", "四件套尺寸买错了，想换 1.5 米的。"),
        ]
        for place, (category, sku, text) in enumerate(questions):
            ticket = self._open(self._order(5 + place, sku, "delivered"), category, text, (70 - 12 * place) * MINUTE)
            at = self.now - (66 - 12 * place) * MINUTE
            to = self.colleague.id if place < 2 else None
            tickets.assign_ticket(
                ticket_id=ticket.pk, assignee_id=to, team_id=self.departments.aftersales.pk, actor=SYSTEM, at=at
            )
