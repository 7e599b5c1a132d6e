"""The list of customers and the same as a file: masked, joined ones once, no formula, written down."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import PersonalDataAccess
from core.actors import SYSTEM
from customers import services
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer

pytestmark = pytest.mark.django_db
LIST, EXPORT = "/desk/customers/", "/desk/customers/export/"


def test_the_list_filters_masks_and_counts_joined_records_once(client: Any) -> None:
    one = make_customer(phone="13812345678", email=None, name="王小明", tier="gold", tags=["常客"])
    two = make_customer(phone="13922225555", email=None, name="王小明")
    services.merge_customers(source_id=two.pk, target_id=one.pk, actor=SYSTEM, at=timezone.now())
    make_customer(name="李四")
    client.force_login(make_staff())
    page = client.get(LIST, {"q": "王小明"}).content.decode()
    assert page.count("data-href") == 1
    assert "138****5678" in page
    assert "139****5555" in page
    assert "13812345678" not in page
    assert client.get(LIST, {"tier": "gold", "tag": "常客"}).content.decode().count("data-href") == 1
    assert client.get(LIST, {"tier": "vip"}).content.decode().count("data-href") == 0
    assert EXPORT not in page
    assert client.get(EXPORT).status_code == 403


def test_the_file_is_masked_by_right_and_safe(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_customer(phone="13812345678", email="wang@example.com", name="=1+1")
    client.force_login(make_staff(roles=["analyst"]))
    book = load_workbook(io.BytesIO(client.get(EXPORT).content)).active
    row = [cell.value for cell in book[2]]
    assert row[1] == "=1+1"
    assert book["B2"].data_type == "s"
    assert row[4] == "138****5678"
    client.force_login(make_staff(roles=["crm_specialist"]))
    monkeypatch.setattr("customers.exporting.MOST_IN_EXCEL", 0)
    answer = client.get(EXPORT, {"q": "13812345678"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[1][1] == "'=1+1"
    assert "13812345678" in rows[1][4]
    told = PersonalDataAccess.objects.order_by("pk").values_list("purpose", flat=True)
    assert list(told) == ["export: customers", "export: customers (unmasked)"]


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same(client: Any, count: int, django_assert_max_num_queries: Any) -> None:
    for _n in range(count):
        make_customer()
    client.force_login(make_staff())
    client.get(LIST)
    with django_assert_max_num_queries(8):
        assert client.get(LIST).content.decode().count("data-href") == count
