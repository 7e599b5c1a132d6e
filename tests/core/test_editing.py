"""Two people on one form: the second is shown what the first saved, and nothing she typed is lost."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Staff
from core.actors import SYSTEM
from core.editing import own_changes
from core.errors import StaleEdit
from core.http import differences, on_newer
from customers.services import find_or_add_customer
from orders.models import Carrier
from orders.services.promising.plans import PlanDraft, save_plan
from orders.services.sources import ConnectionDraft, add_connection
from tests.factories.accounts import make_staff, make_team
from tests.factories.calls import make_line, make_seat
from tests.factories.carrying import make_account
from tests.factories.notifications import make_mailbox
from tests.factories.orders import make_shop
from tests.factories.promises import make_rule
from tests.factories.promotions import make_promotion
from tests.factories.tickets import make_ticket
from tests.factories.webhooks import make_webhook
from tests.factories.work import make_department, make_standard
from tests.forms_in import form_with
from tests.racing import together
from tests.security.world import found_company
from tickets.models import CannedReply, Category, CustomField, FieldValue, PhoneSeat
from tickets.models.routing import CategorySkill
from tickets.services.calls.seats import save_seats
from tickets.services.saved_views import save_view


class Small(forms.Form):
    """One field of each way of showing a value."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label="Name")
    is_on = forms.BooleanField(label="On", required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("a", "First"), ("Group", [("b", "Second")])])
    days = forms.TypedMultipleChoiceField(label="Days", coerce=int, choices=[(1, "Mon"), (2, "Tue")], required=False)
    secret = forms.CharField(label="Secret", required=False, widget=forms.PasswordInput)


def test_what_differs_is_said_in_the_words_of_the_form() -> None:
    typed: Any = {"version": "1", "name": "Cups", "kind": "a", "days": ["2"], "secret": "x"}
    form = Small(_query(typed))
    now = {"version": 4, "name": "Plates", "is_on": True, "kind": "b", "days": [], "secret": "y"}
    told = {row["label"]: (row["theirs"], row["yours"]) for row in on_newer(form, now)}
    assert told["Name"] == ("Plates", "Cups")
    assert told["Kind"] == ("Second", "First")
    assert told["Days"] == ("–", "Tue")
    assert told["On"][0] != told["On"][1]
    assert "Secret" not in told
    assert form.data["version"] == "4"
    same = Small(_query(typed))
    assert differences(same, {"name": "Cups", "is_on": False, "kind": "a", "days": [2]}) == []


def _query(values: dict[str, Any]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


@pytest.mark.parametrize(
    ("shown", "typed", "now", "kept"),
    [
        ({1: "a"}, {1: "b"}, {1: "a"}, {1: "b"}),
        ({1: "a"}, {1: "a"}, {1: "z"}, {}),
        ({1: "a"}, {1: "z"}, {1: "z"}, {}),
        ({}, {1: "b"}, {1: "a"}, {1: "b"}),
        ({1: ""}, {1: "b"}, {}, {1: "b"}),
        ({1: "a", 2: "c"}, {1: "b", 2: "c"}, {1: "a", 2: "d"}, {1: "b"}),
    ],
)
def test_only_ones_own_changes_are_written(
    shown: dict[int, str], typed: dict[int, str], now: dict[int, str], kept: dict[int, str]
) -> None:
    assert own_changes(shown, typed, now) == kept


def test_a_value_changed_by_both_is_refused() -> None:
    with pytest.raises(StaleEdit) as refused:
        own_changes({1: "a", 2: "c"}, {1: "b", 2: "d"}, {1: "z", 2: "c"})
    assert refused.value.changes == [{"field": 1, "yours": "b", "theirs": "z"}]


def _pages(boss: Staff) -> dict[str, tuple[str, str, str]]:
    """Make one of each thing people edit; return address -> (field, what the first types, what the second types)."""
    shop, team, at = make_shop(), make_team(), timezone.now()
    carrier = Carrier.objects.get(code="shunfeng")
    category = Category.objects.filter(parent__isnull=False).order_by("pk").first()
    assert category is not None
    make_standard(category)
    draft = ConnectionDraft("shopify", "one.myshopify.com", "a-long-secret")
    connection = add_connection(shop_id=shop.pk, draft=draft, actor=SYSTEM, at=at)
    plan = save_plan(plan_id=None, draft=PlanDraft(name="台风", extra_days=2, shop_ids=(shop.pk,)), version=None)
    view = save_view(
        staff=boss,
        view_id=None,
        name="急件",
        conditions={"tags": ["急"]},
        sorting="newest",
        team_id=None,
        version=0,
        at=at,
    )
    canned = CannedReply.objects.create(title="致歉", shortcut="sorry", body="抱歉")
    customer = find_or_add_customer(email="chen@mail.example", name="陈静怡", source="api", actor=SYSTEM, at=at)
    names = {
        ("orders:shop_edit", shop.pk): ("name", "第一家", "第二家"),
        ("orders:carrier_edit", carrier.pk): ("hotline", "4008111111", "4008222222"),
        ("orders:source_edit", connection.pk): ("origin", "a.myshopify.com", "b.myshopify.com"),
        ("orders:promotion_edit", make_promotion(shop).pk): ("title", "早鸟优惠", "晚鸟优惠"),
        ("orders:promise_edit", make_rule().pk): ("name", "江浙沪两天", "江浙沪三天"),
        ("orders:plan_edit", plan.pk): ("name", "台风一号", "台风二号"),
        ("orders:carrier_account", make_account().pk): ("name", "主账号", "备用账号"),
        ("notifications:webhook", make_webhook()[0].pk): ("name", "仓库系统", "财务系统"),
        ("notifications:mailbox", make_mailbox().pk): ("name_zh", "青禾客服", "青禾售后"),
        ("tickets:settings_phone_line", make_line(team)[0].pk): ("name", "售后热线", "售前热线"),
        ("tickets:settings_routing_team", team.pk): ("widen_after_minutes", "7 分钟", "9 分钟"),
        ("tickets:settings_standard", category.pk): ("summary", "先道歉", "先核实"),
        ("tickets:settings_department", make_department().pk): ("task_hours", "5", "6"),
        ("tickets:settings_category_edit", category.pk): ("name_zh", "破损了", "碎了"),
        ("tickets:settings_canned_edit", canned.pk): ("title", "致歉信", "道歉信"),
        ("tickets:filter_edit", view.pk): ("name", "急件一", "急件二"),
        ("accounts:team_edit", team.pk): ("name", "一组", "二组"),
        ("accounts:staff_edit", make_staff().pk): ("display_name", "王一", "王二"),
        ("customers:customer", customer.pk): ("name", "陈一", "陈二"),
    }
    return {reverse(name, args=[pk]): told for (name, pk), told in names.items()}


@pytest.mark.django_db
def test_whoever_saves_second_sees_what_the_first_saved_and_loses_nothing(client: Client) -> None:
    found_company()
    boss = make_staff(roles=["admin"])
    client.force_login(boss)
    faults = []
    for address, (name, first, second) in _pages(boss).items():
        opened = form_with(client.get(address).content.decode(), name)
        saved = client.post(address, opened.with_values(**{name: first}))
        late = client.post(address, opened.with_values(**{name: second}))
        if (saved.status_code, late.status_code) not in {(302, 409), (302, 422)}:
            faults.append(f"{address}: saved {saved.status_code}, late {late.status_code}")
            continue
        page = late.content.decode()
        again = form_with(page, name)
        if again.data[name] != [second]:
            faults.append(f"{address}: what was typed is gone")
        if first not in page:
            faults.append(f"{address}: what the first saved is not shown")
        if client.post(address, again.data).status_code != 302:
            faults.append(f"{address}: cannot be saved after looking")
    assert faults == []


@pytest.mark.django_db
def test_one_page_with_many_values_keeps_what_each_changed(client: Client) -> None:
    found_company()
    client.force_login(make_staff(roles=["admin"]))
    one, other = Category.objects.order_by("pk")[:2]
    address, overview = reverse("tickets:settings_routing_skills"), reverse("tickets:settings_routing")
    opened = form_with(client.get(overview).content.decode(), f"skill_{one.pk}")
    assert client.post(address, opened.with_values(**{f"skill_{one.pk}": "returns"})).status_code == 302
    assert client.post(address, opened.with_values(**{f"skill_{other.pk}": "logistics"})).status_code == 302
    kept = dict(CategorySkill.objects.values_list("category_id", "skill"))
    assert (kept[one.pk], kept[other.pk]) == ("returns", "logistics"), "the second did not mean the first one's"
    late = client.post(address, opened.with_values(**{f"skill_{one.pk}": "technical"}))
    assert late.status_code == 409
    again = form_with(late.content.decode(), f"skill_{one.pk}")
    assert client.post(address, again.data).status_code == 302
    assert CategorySkill.objects.get(category=one).skill == "technical"


@pytest.mark.django_db
def test_extensions_set_by_two_people(client: Client) -> None:
    found_company()
    client.force_login(make_staff(roles=["admin"]))
    wang, li = make_staff(), make_staff()
    make_seat(wang, "801")
    address, page = reverse("tickets:settings_phone_seats"), reverse("tickets:settings_phone")
    opened = form_with(client.get(page).content.decode(), f"extension_{wang.pk}")
    assert client.post(address, opened.with_values(**{f"extension_{wang.pk}": "802"})).status_code == 302
    assert client.post(address, opened.with_values(**{f"extension_{li.pk}": "803"})).status_code == 302
    assert dict(PhoneSeat.objects.values_list("staff_id", "extension")) == {wang.pk: "802", li.pk: "803"}
    late = client.post(address, opened.with_values(**{f"extension_{wang.pk}": "804"}))
    assert late.status_code == 409
    assert "802" in late.content.decode()
    again = form_with(late.content.decode(), f"extension_{wang.pk}")
    assert client.post(address, again.data).status_code == 302
    assert PhoneSeat.objects.get(staff=wang).extension == "804"


@pytest.mark.django_db
def test_a_tickets_details_filled_by_two_agents(client: Client) -> None:
    found_company()
    client.force_login(make_staff(roles=["admin"]))
    ticket = make_ticket()
    colour = CustomField.objects.create(key="colour", label_zh="颜色", label_en="Colour", kind="text")
    broken = CustomField.objects.create(key="broken", label_zh="碎了", label_en="Broken", kind="yesno")
    address = reverse("tickets:fields", args=[ticket.pk])
    opened = form_with(client.get(address).content.decode(), f"field_{colour.pk}")
    assert client.post(address, opened.with_values(**{f"field_{colour.pk}": "蓝"})).status_code == 302
    assert client.post(address, opened.with_values(**{f"field_{broken.pk}": "yes"})).status_code == 302
    values = dict(FieldValue.objects.filter(ticket=ticket).values_list("field_id", "value"))
    assert values == {colour.pk: "蓝", broken.pk: "yes"}, "a field one did not touch stays as the other filled it"
    late = client.post(address, opened.with_values(**{f"field_{colour.pk}": "红"}))
    assert late.status_code == 409
    assert "“蓝”" in late.content.decode()
    again = form_with(late.content.decode(), f"field_{colour.pk}")
    assert client.post(address, again.data).status_code == 302
    assert FieldValue.objects.get(ticket=ticket, field=colour).value == "红"


@pytest.mark.django_db(transaction=True)
def test_two_people_set_the_same_extension_at_once() -> None:
    """The row of somebody who had none is not there to be locked; her own is."""
    wang = make_staff()
    outcomes = together(*[partial(save_seats, extensions={wang.pk: n}, shown={wang.pk: ""}) for n in ("1", "2")])
    assert sorted(type(one).__name__ for one in outcomes) == ["StaleEdit", "int"]
