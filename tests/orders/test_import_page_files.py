"""What people upload instead of a list of orders: the page says why in their language and keeps their choices."""

from __future__ import annotations

import html
import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from orders.models import ImportRun
from tests.factories.accounts import make_staff
from tests.factories.orders import make_shop
from tests.orders.files import csv_bytes

pytestmark = pytest.mark.django_db
FILES = {
    "empty": (b"", "文件是空的", "The file is empty"),
    "blank": (b"\xef\xbb\xbf\r\n\r\n", "文件是空的", "The file is empty"),
    "pdf": (b"%PDF-1.7 ...", "CSV", "This is not a table"),
    "picture": (b"\x89PNG\r\n\x1a\n0000", "CSV", "This is not a table"),
    "old_excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧版 Excel", "old Excel file"),
    "half_a_workbook": (b"PK\x03\x04 not a zip", "Excel", "Excel"),
    "sign_in_page": (b"<html><body>sign in</body></html>", "CSV", "This is not a table"),
    "no_headings": (b"only one column\n1\n2", "第一行", "The first row"),
    "no_rows": (csv_bytes([]), "没有", "no rows"),
}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_list_is_refused_in_words_and_the_choices_stay(name: str, language: str) -> None:
    make_shop()
    shop, client = make_shop(name="第二家店"), Client()
    client.force_login(make_staff(roles=["supervisor"]))
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    data, chinese, english = FILES[name]
    posted = {"kind": "parcels", "shop": str(shop.pk), "file": SimpleUploadedFile("订单.csv", data)}
    answer = client.post(reverse("orders:imports"), posted)
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    errors = " ".join(str(text) for text in answer.context["form"].errors["file"])
    assert (chinese if language == "zh-hans" else english) in errors
    assert errors in page
    assert (re.search(r"[\u4e00-\u9fff]", errors) is not None) == (language == "zh-hans")
    assert re.search(r'<option value="parcels"[^>]*selected', page)
    assert re.search(rf'<option value="{shop.pk}"[^>]*selected', page)
    assert not ImportRun.objects.exists()


def test_no_file_at_all_is_said_beside_the_field() -> None:
    shop, client = make_shop(), Client()
    client.force_login(make_staff(roles=["supervisor"]))
    answer = client.post(reverse("orders:imports"), {"kind": "orders", "shop": str(shop.pk)})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["file"])


def test_a_closed_shop_is_not_taken() -> None:
    hidden, client = make_shop(is_active=False), Client()
    client.force_login(make_staff(roles=["supervisor"]))
    posted = {"kind": "orders", "shop": str(hidden.pk), "file": SimpleUploadedFile("o.csv", b"a,b\n1,2")}
    answer = client.post(reverse("orders:imports"), posted)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["shop"])
