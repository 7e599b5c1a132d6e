"""A22: what leaves as a table is text, whatever a customer or a shop wrote into it."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.crypto import encrypt
from core.folds import FOLDS, advance
from core.workbooks import safe_cell
from kpi.scorecards.counting import count_month
from orders.models import Carrier, ImportRowError, ImportRun, Parcel
from tests.factories.accounts import make_staff
from tests.security.walk import routes
from tests.security.world import Words, found_company, make_side

FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    '=HYPERLINK("https://evil.example")',
    "=cmd|' /C calc'!A0",
    "\ufeff=1+1",
    "\u200b=1+1",
]
TELLING = ("export", "download", "refused", "csv", "xlsx")
STARTS = tuple("=+-@\t\r\n＝＋－＠")


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_that_computes_becomes_text(cell: str) -> None:
    kept = safe_cell(cell)
    assert not kept.lstrip(" \ufeff\u200b").startswith(STARTS), repr(kept)


def test_the_list_of_exports_is_whole() -> None:
    """A new export is added here and tried below."""
    known = {
        "board/rows/<slug:metric>/export/",
        "board/carriers/export/",
        "desk/orders/import/<int:run_id>/refused.<str:kind>",
        "accounts/mfa/recovery-codes/download/",
        "desk/export/",
        "desk/orders/export/",
        "desk/customers/export/",
        "settings/migration/<int:migration_id>/refused.csv",
        "settings/archive/<int:archive_id>/download/",
    }
    found = {route.pattern for route in routes() if any(word in route.pattern for word in TELLING)}
    assert found == known


@pytest.mark.django_db(transaction=True)
def test_the_rows_behind_a_figure_are_a_workbook_without_formulas(client: Client) -> None:
    found_company()
    side = make_side("north", Words(subject="=1+1", name="=1+1", text="=1+1"))
    for fold in FOLDS.values():
        advance(fold, timezone.now())
    client.force_login(side.supervisor)
    answer = client.get(reverse("kpi:export", args=["tickets_opened"]))
    assert answer.status_code == 200
    assert _formulas(answer.content) == []


@pytest.mark.django_db(transaction=True)
def test_a_list_of_tickets_is_a_workbook_without_formulas(client: Client) -> None:
    found_company()
    side = make_side("north", Words(subject="=1+1", name="=1+1", text="=1+1"))
    client.force_login(side.supervisor)
    answer = client.get(reverse("tickets:export"), {"view": "open"})
    assert answer.status_code == 200
    assert _formulas(answer.content) == []


@pytest.mark.django_db(transaction=True)
def test_a_scorecard_is_a_workbook_without_formulas(client: Client) -> None:
    found_company()
    make_side("north", Words(subject="=1+1", name="=1+1", text="=1+1"))
    Carrier.objects.update(name="=1+1", name_en="=1+1")
    Parcel.objects.update(shipped_at=timezone.now())
    count_month(month=timezone.localdate().replace(day=1), at=timezone.now())
    client.force_login(make_staff(roles=["admin"]))
    answer = client.get(reverse("kpi:carrier_export"))
    assert answer.status_code == 200
    assert _formulas(answer.content) == []


def _formulas(workbook: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/" in name]
    assert sheets
    return [sheet for sheet in sheets if "<f>" in sheet or "<f " in sheet or "<hyperlink" in sheet]


@pytest.mark.django_db
def test_refused_rows_come_back_without_formulas(client: Client) -> None:
    import json

    found_company()
    side = make_side("north", Words())
    run = ImportRun.objects.get(pk=side.ids["run_id"])
    ImportRun.objects.filter(pk=run.pk).update(headings=["=1+1", "b"], rows_bad=len(FORMULAS), state="done")
    for number, cell in enumerate(FORMULAS):
        cells: Any = encrypt(json.dumps([cell, cell]))
        ImportRowError.objects.create(
            run=run, row=number + 2, column="=1+1", code="missing", params={}, cells_enc=cells
        )
    client.force_login(side.supervisor)
    for kind in ("csv", "xlsx"):
        answer = client.get(reverse("orders:import_refused", args=[run.pk, kind]))
        assert answer.status_code == 200
        body = answer.content
        if kind == "xlsx":
            assert _formulas(body) == []
            continue
        rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
        odd = [cell for row in rows for cell in row if cell.lstrip(" \ufeff\u200b").startswith(STARTS)]
        assert odd == []
        assert len(rows) > len(FORMULAS)
