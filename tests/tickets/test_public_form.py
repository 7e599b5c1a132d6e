"""The public form and the customer's own page, as a browser without JavaScript uses them."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.crypto import sign
from core.models import RateCounter
from customers.models import Customer, Identity
from customers.selectors import find_customer_by_phone, primary_address
from customers.services import block_customer
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import jpeg, make_reply, make_ticket
from tickets import services
from tickets.models import Attachment, Category, Ticket
from tickets.permissions import customer_url

pytestmark = pytest.mark.django_db
ZH = {"accept-language": "zh-CN"}


@pytest.fixture
def shop():
    return make_shop(code="main", name="青禾家居", contact_phone="400-800-1234")


class Form:
    """The form as it was loaded, three seconds ago."""

    def __init__(self, path="/contact/", **headers):
        self.client, self.path = Client(headers={**ZH, **headers}), path
        page = self.client.get(path)
        assert page.status_code == 200
        self.hidden = dict(re.findall(r'type="hidden" name="(draft|stamp)" value="([^"]+)"', page.content.decode()))
        self.hidden["stamp"] = sign(timezone.now().timestamp() - 3, "contact.stamp")

    def send(self, **fields):
        typed = {"text": "杯子收到时有裂纹", "phone": "138 0013 8000", **self.hidden, **fields}
        return self.client.post(self.path, typed)


def photo(name="a.jpg", data=None):
    return SimpleUploadedFile(name, data or jpeg(), "image/jpeg")


def test_a_complaint_with_order_and_photo(shop):
    order = make_order(shop=shop, phone="13800138000")
    form, category = Form(), Category.objects.get(key="quality")
    response = form.send(
        order_number=f" {order.number.lower()} ", email="Wang@Example.com", category=category.pk, photos=photo()
    )
    assert response.status_code == 302
    ticket = Ticket.objects.get()
    assert (ticket.order_id, ticket.customer_id, ticket.shop_id) == (order.pk, order.customer_id, shop.pk)
    assert (ticket.category_id, ticket.channel, ticket.language, ticket.is_spam) == (
        category.pk,
        "form",
        "zh-hans",
        False,
    )
    assert ticket.messages.get(seq=1).attachments.count() == 1
    assert primary_address(order.customer_id, "email") == "wang@example.com"
    done = form.client.get(response["Location"])
    assert ticket.number in done.content.decode()
    assert "w***@example.com" in done.content.decode()
    assert "青禾家居" in done.content.decode()


def test_a_wrong_pair_tells_nothing_and_the_number_is_noted(shop):
    order = make_order(shop=shop, phone="13900000001")
    known, unknown = Form().send(order_number=order.number), Form().send(order_number="NONE-1", phone="13800138001")
    first, second = Ticket.objects.order_by("pk")
    assert (first.order_id, first.order_given) == (None, order.number)
    assert (second.order_id, second.order_given) == (None, "NONE-1")
    pages = [Client(headers=ZH).get(answer["Location"]).content.decode() for answer in (known, unknown)]
    bare = [
        re.sub(r"\d{6}|/t/[^\"]+|/contact/done/[^\"]+|nonce=\"[^\"]*\"|value=\"[^\"]*\"", "", page) for page in pages
    ]
    assert bare[0] == bare[1]


def test_a_stranger_with_anothers_phone_does_not_become_their_mail_address(shop):
    victim = make_customer(phone="13800138000", email=None)
    Form().send(email="attacker@example.com")
    assert Ticket.objects.get().customer_id == victim.pk
    assert primary_address(victim.pk, "email") is None


def test_posted_twice_is_one_ticket_and_the_same_page(shop):
    form = Form()
    first, second = form.send(), form.send(text="anders")
    assert (first.status_code, second.status_code) == (302, 302)
    ticket = Ticket.objects.get()
    for answer in (first, second):
        assert ticket.number in form.client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"text": "   "}, "id_text"),
        ({"text": "\u200b\u200b"}, "id_text"),
        ({"phone": ""}, "id_phone"),
        ({"phone": "12ab34"}, "id_phone"),
        ({"email": "nobody"}, "id_email"),
    ],
)
def test_errors_keep_everything_typed(shop, fields, wrong):
    form = Form()
    response = form.send(**{"order_number": "A-<b>77", "photos": photo("裂纹.jpg"), **fields})
    page = response.content.decode()
    assert response.status_code == 422
    assert not Ticket.objects.exists()
    assert f'id="{wrong}_error"' in page
    assert 'value="A-&lt;b&gt;77"' in page
    assert form.hidden["draft"] in page
    assert "裂纹.jpg" in page
    again = form.send()
    assert again.status_code == 302
    assert Ticket.objects.get().messages.get(seq=1).attachments.get().name == "裂纹.jpg"


def test_a_kept_photo_is_shown_and_can_be_taken_out(shop):
    form = Form()
    form.send(text="", photos=photo())
    row = Attachment.objects.get()
    shown = form.client.get(f"/contact/files/{form.hidden['draft']}/{row.key}/?thumb=1")
    assert shown.status_code == 200
    assert shown["Content-Type"] == "image/webp"
    assert Client().get(f"/contact/files/{'x' * 32}/{row.key}/").status_code == 404
    page = form.send(drop=row.key, text="我还在写")
    assert page.status_code == 200
    assert "我还在写" in page.content.decode()
    assert not Attachment.objects.exists()


def test_a_refused_file_is_said_beside_the_field_and_the_rest_is_kept(shop):
    form = Form()
    response = form.send(photos=[photo("ok.jpg"), photo("x.svg", b"<svg onload=alert(1)>")])
    page = response.content.decode()
    assert response.status_code == 422
    assert "x.svg" in page
    assert [row.name for row in Attachment.objects.all()] == ["ok.jpg"]


def test_five_photos_are_the_most(shop):
    response = Form().send(photos=[photo(f"{n}.jpg") for n in range(7)])
    assert response.status_code == 422
    assert Attachment.objects.count() == 5


@pytest.mark.parametrize("trap", [{"website": "http://spam.example"}, {"stamp": ""}, {"stamp": "forged:x:y"}])
def test_robots_get_the_same_page_and_land_in_spam(shop, trap):
    form = Form()
    response = form.send(email="a@example.com", **trap)
    assert response.status_code == 302
    ticket = Ticket.objects.get()
    assert ticket.is_spam
    assert ticket.messages.count() == 1
    assert form.client.get(response["Location"]).status_code == 200


def test_too_quick_is_a_robot(shop):
    with time_machine.travel(timezone.now(), tick=False):  # half a second, however long the machine takes
        Form().send(stamp=sign(timezone.now().timestamp() - 0.5, "contact.stamp"))
    assert Ticket.objects.get().is_spam


def test_blocked_senders_and_advertisements_land_in_spam(shop):
    block_customer(
        customer_id=make_customer(phone="13800138000").pk, reason="by_agent", actor=Actor.SYSTEM, at=timezone.now()
    )
    Form().send()
    services.block_sender(kind="domain", value="bad.example", reason="", staff_id=None, at=timezone.now())
    Form().send(phone="", email="x@bad.example")
    Form().send(phone="13700137000", text="代开发票 加微信 http://a.top http://b.top")
    Form().send(phone="13600136000", text="你们的发票在哪里下载？我想开发票")
    assert list(Ticket.objects.order_by("pk").values_list("is_spam", flat=True)) == [True, True, True, False]


def test_many_tickets_of_one_phone_are_slowed_down_and_nothing_is_lost(shop):
    for _n in range(6):
        assert Form().send().status_code == 302
    form = Form()
    response = form.send(text="第七次")
    assert response.status_code == 429
    assert "第七次" in response.content.decode()
    assert int(response["Retry-After"]) > 0
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert form.send().status_code == 302


def test_many_posts_of_one_address_are_slowed_down(shop):
    form = Form()
    form.send(text="")
    RateCounter.objects.filter(scope="contact.ip").update(hits=60)
    assert form.send().status_code == 429


def test_choose_a_shop_when_there_are_several(shop):
    make_shop(code="second", name="第二家")
    page = Client(headers=ZH).get("/contact/").content.decode()
    assert "/contact/?shop=main" in page
    assert "第二家" in page
    assert 'name="text"' not in page
    assert "/contact/?shop=main" in Client(headers=ZH).get("/contact/?shop=nowhere").content.decode()
    Form("/contact/?shop=second").send()
    assert Ticket.objects.get().shop.code == "second"


def test_english(shop):
    form = Form(**{"accept-language": "en"})
    form.send(text="The cup is broken")
    assert Ticket.objects.get().language == "en"


def test_get_only_and_unknown_methods(shop):
    assert Client().put("/contact/").status_code == 405
    assert Client().post("/contact/done/x/").status_code == 405


def own_page(ticket):
    return "/" + customer_url(ticket).split("/", 3)[3]


def test_the_own_page_shows_public_words_only():
    ticket, staff = make_ticket(), make_staff(display_name="小李")
    make_reply(ticket, staff, "马上处理")
    services.add_note(ticket_id=ticket.pk, text="此客户很着急", actor=Actor.staff(staff), at=timezone.now())
    response = Client(headers=ZH).get(own_page(ticket))
    page = response.content.decode()
    assert "马上处理" in page
    assert "小李" in page
    assert "此客户很着急" not in page
    assert "no-store" in response["Cache-Control"]


def test_the_own_page_takes_a_message_once_and_reopens():
    ticket, client = make_ticket(), Client(headers=ZH)
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    page = client.get(own_page(ticket)).content.decode()
    draft = re.search(r'name="draft" value="([^"]+)"', page)[1]
    for _n in range(2):
        answer = client.post(own_page(ticket), {"draft": draft, "text": "还是坏的", "photos": photo()})
        assert answer.status_code == 302
    ticket.refresh_from_db()
    assert ticket.status == "open"
    message = ticket.messages.get(text="还是坏的")
    assert message.attachments.count() == 1
    assert "还是坏的" in client.get(own_page(ticket)).content.decode()


def test_an_empty_message_on_the_own_page_is_422_and_a_photo_alone_is_fine():
    ticket, client = make_ticket(), Client(headers=ZH)
    assert client.post(own_page(ticket), {"draft": "d" * 32, "text": " "}).status_code == 422
    assert client.post(own_page(ticket), {"draft": "e" * 32, "text": "", "photos": photo()}).status_code == 302
    assert ticket.messages.order_by("seq").last().attachments.count() == 1


def test_forged_and_expired_links_are_polite():
    ticket, client = make_ticket(), Client(headers=ZH)
    for path in (
        "/t/x/",
        "/t/a:b:c/",
        own_page(ticket)[:-3] + "zz/",
        f"/t/{sign({'t': 'x'}, 'ticket')}/",
        f"/t/{sign([1], 'ticket')}/",
    ):
        assert client.get(path).status_code == 404
    link = own_page(ticket)
    with time_machine.travel(timezone.now() + timedelta(days=181)):
        assert client.get(link).status_code == 410
    assert client.get(f"/contact/done/{sign({'t': ticket.pk}, 'ticket')}/").status_code == 404


def test_an_erased_customers_link_is_dead():
    ticket = make_ticket()
    Customer.objects.filter(pk=ticket.customer_id).update(erased_at=timezone.now())
    assert Client(headers=ZH).get(own_page(ticket)).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_the_own_page_costs_the_same_however_many_messages(count, django_assert_num_queries):
    ticket, staff = make_ticket(), make_staff()
    for _n in range(count):
        make_reply(ticket, staff)
    client, link = Client(headers=ZH), own_page(ticket)
    client.get(link)
    with django_assert_num_queries(6):  # one of them asks for the news of an incident
        client.get(link)


def test_phone_and_mail_of_two_customers_are_not_merged(shop):
    by_phone, by_mail = make_customer(phone="13800138000", email=None), make_customer(phone=None, email="b@example.com")
    Form().send(email="b@example.com")
    ticket = Ticket.objects.get()
    assert ticket.customer_id == by_phone.pk
    assert Identity.objects.get(kind="email").customer_id == by_mail.pk
    assert find_customer_by_phone("13800138000") == by_phone
