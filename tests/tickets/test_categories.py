"""The tree of categories: order, public names, resting with the tickets moved, never deleting a used one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.errors import Conflict, InvalidInput, StaleEdit
from core.jobs import drain
from core.models import Event
from tests.factories.accounts import make_staff
from tests.factories.desk import make_category, make_desk_ticket
from tickets import services
from tickets.models import Category, Ticket
from tickets.services.categories import CategoryWords

pytestmark = pytest.mark.django_db


def rest(category: Category, move_to: int | None = None, **more: Any) -> Category:
    actor = Actor.staff(make_staff())
    return services.rest_category(pk=category.pk, move_to=move_to, actor=actor, at=timezone.now(), **more)


@pytest.mark.django_db(transaction=True)
def test_resting_moves_the_open_tickets_and_leaves_the_finished() -> None:
    old, new = make_category(), make_category()
    open_ones = [make_desk_ticket(category=old).pk for _ in range(3)]
    now = timezone.now()
    done = make_desk_ticket(category=old, status="resolved", resolved_at=now).pk
    rest(old, new.pk)
    drain(seconds=5)
    assert set(Ticket.objects.filter(category=new).values_list("pk", flat=True)) == set(open_ones)
    assert Ticket.objects.get(category=old).pk == done
    assert Event.objects.filter(kind="ticket.changed", ticket_id__in=open_ones).count() == 3
    old.refresh_from_db()
    assert old.is_active is False


def test_resting_asks_for_the_lower_ones_first_and_for_a_place_in_use() -> None:
    top = make_category()
    make_category(parent=top)
    with pytest.raises(Conflict):
        rest(top)
    lone = make_category()
    with pytest.raises(InvalidInput):
        rest(lone, make_category(is_active=False).pk)
    with pytest.raises(InvalidInput):
        rest(lone, lone.pk)
    with pytest.raises(StaleEdit):
        rest(lone, version=99)


def test_a_used_category_is_never_deleted() -> None:
    used, unused = make_category(), make_category()
    make_desk_ticket(category=used)
    with pytest.raises(Conflict):
        services.delete_category(pk=used.pk)
    services.delete_category(pk=unused.pk)
    assert list(Category.objects.filter(pk__in=[used.pk, unused.pk])) == [used]


def test_the_order_is_moved_by_one_place_among_siblings() -> None:
    top = make_category()
    one, two, three = (make_category(parent=top, position=0) for _ in range(3))
    services.shift_category(pk=three.pk, up=True)
    services.shift_category(pk=one.pk, up=True)
    order = list(Category.objects.filter(parent=top).order_by("position", "pk").values_list("pk", flat=True))
    assert order == [one.pk, three.pk, two.pk]


def test_two_levels_and_no_more() -> None:
    top = make_category()
    second = make_category(parent=top)
    with pytest.raises(InvalidInput):
        services.save_category(pk=None, words=CategoryWords("third", "三", "three", "in_sale", parent_id=second.pk))
    with pytest.raises(InvalidInput):
        services.save_category(pk=top.pk, words=CategoryWords("top", "一", "one", "in_sale", parent_id=second.pk))


def test_customers_read_the_public_name(client: Client) -> None:
    make_category(name_zh="内部叫法", public_zh="快递问题", is_public=True)
    page = client.get(reverse("tickets:contact"), HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
    assert ("快递问题" in page, "内部叫法" in page) == (True, False)


def test_settings_pages_do_all_of_it(client: Client) -> None:
    client.force_login(make_staff(roles=["manager"]))
    values = {"name_zh": "尺码", "name_en": "Size", "key": "size", "stage": "pre_sale", "skill": "presales",
              "position": 3, "is_public": "on"}  # fmt: skip
    assert client.post(reverse("tickets:settings_category_new"), values).status_code == 302
    row = Category.objects.get(key="size")
    assert (row.skill, row.is_active) == ("presales", True)
    page = client.get(reverse("tickets:settings_categories")).content.decode()
    assert "尺码" in page
    edit = reverse("tickets:settings_category_edit", args=[row.pk])
    assert client.post(edit, {**values, "name_zh": "尺码选择", "version": row.version}).status_code == 302
    assert "尺码选择" in client.get(edit).content.decode()
    client.post(reverse("tickets:settings_category_shift", args=[row.pk]), {"to": "up"})
    row.refresh_from_db()
    client.post(reverse("tickets:settings_category_rest", args=[row.pk]), {"version": row.version, "move_to": ""})
    row.refresh_from_db()
    assert row.is_active is False
    client.post(reverse("tickets:settings_category_delete", args=[row.pk]), {"version": row.version})
    assert not Category.objects.filter(pk=row.pk).exists()


def test_agents_do_not_set_categories(client: Client) -> None:
    client.force_login(make_staff(roles=["agent"]))
    row = make_category()
    for name in ("rest", "shift", "delete"):
        assert client.post(reverse(f"tickets:settings_category_{name}", args=[row.pk])).status_code == 403
