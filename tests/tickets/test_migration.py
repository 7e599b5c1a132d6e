"""Another desk's export on its way in: every shape, nothing told to anybody, once only, hostile files survived."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core.actors import SYSTEM
from core.errors import InvalidInput
from core.folds import FOLDS, advance
from core.jobs.registry import JOBS
from core.models import Event, Job
from customers.models import Customer
from customers.selectors import find_customer_by_email
from kpi.models import Fact
from notifications.models import Delivery
from tests.factories.accounts import make_staff, make_team
from tests.factories.customers import make_customer
from tickets.migration_errors import MigrationRefused
from tickets.models import (
    CustomField,
    FormerAgent,
    Message,
    Migration,
    MigrationPerson,
    MigrationProblem,
    SlaClock,
    Ticket,
)
from tickets.services import migration as service
from tickets.services.migration.reading import pieces

pytestmark = pytest.mark.django_db
USERS = [
    {"id": 11, "name": "王小明", "email": "wang@example.com", "role": "end-user", "phone": "13800001111"},
    {"id": 12, "name": "林若溪", "email": "lin@desk.example", "role": "agent"},
    {"id": 13, "name": "赵前任", "email": "zhao@old.example", "role": "admin"},
]


def ticket(number: int = 1, **more: Any) -> dict[str, Any]:
    told = {
        "id": number, "subject": f"杯子有裂纹 {number}", "status": "solved", "priority": "high",
        "created_at": "2024-03-01T02:00:00Z", "updated_at": "2024-03-03T02:00:00Z", "tags": ["易碎", "vip"],
        "requester_id": 11, "assignee_id": 12, "via": {"channel": "email"},
        "custom_fields": [{"id": 360001, "value": "顺丰"}],
        "comments": [
            {"id": 1, "author_id": 11, "body": "收到时就裂了", "public": True, "created_at": "2024-03-01T02:00:00Z",
             "attachments": [{"file_name": "裂纹.jpg", "content_url": "https://old.example/a.jpg", "size": 9}]},
            {"id": 2, "author_id": 12, "html_body": "<p>马上补发 <script>x</script></p>", "public": True,
             "created_at": "2024-03-01T03:00:00Z"},
            {"id": 3, "author_id": 13, "body": "已经联系仓库", "public": False, "created_at": "2024-03-01T04:00:00Z"},
            {"id": 4, "author_id": 11, "body": "谢谢，收到新的了", "created_at": "2024-03-03T02:00:00Z"},
        ],
    }  # fmt: skip
    return told | more


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def check(*files: tuple[str, bytes], source: str = "zendesk") -> Migration:
    opened = [(name, io.BytesIO(data)) for name, data in files]
    started = service.start_migration(source=source, shop_id=None, files=opened, actor=SYSTEM, at=timezone.now())
    found = service.check_migration(migration_id=started.pk, at=timezone.now())
    assert found is not None
    return found


def take(found: Migration, **mapping: Any) -> Migration:
    service.begin_migration(migration_id=found.pk, mapping=mapping, actor=SYSTEM, at=timezone.now())
    return service.run_migration(migration_id=found.pk, at=timezone.now())


def bring(*rows: Any, users: list[Any] = USERS, **mapping: Any) -> Migration:
    files = [("users.json", lines(*users))] if users else []
    return take(check(*files, ("tickets.json", lines(*rows))), **mapping)


def faults(found: Migration) -> list[tuple[int, str]]:
    return list(MigrationProblem.objects.filter(migration=found).order_by("pk").values_list("line", "code"))


def test_a_ticket_comes_in_as_it_was() -> None:
    lin = make_staff("lin@desk.example")
    done = bring(ticket())
    assert (done.state, done.tickets_new, done.messages_new, done.bad) == ("done", 1, 4, 0)
    row = Ticket.objects.get()
    assert (row.status, row.priority, row.tags, row.channel) == ("closed", 30, ["vip", "易碎"], "email")
    assert (row.opened_at, row.assignee_id) == (datetime(2024, 3, 1, 2, tzinfo=UTC), lin.pk)
    assert row.resolved_at == datetime(2024, 3, 3, 2, tzinfo=UTC)
    assert row.customer == find_customer_by_email("wang@example.com") == Customer.objects.get()
    told = list(row.messages.order_by("seq").values_list("seq", "public_seq", "kind", "author_type", "author_id", "at"))
    former = FormerAgent.objects.get(name="赵前任")
    assert [one[:5] for one in told[:4]] == [
        (1, 1, "public", "customer", row.customer_id), (2, 2, "public", "staff", lin.pk),
        (3, None, "note", "staff", -former.pk), (4, 3, "public", "customer", row.customer_id),
    ]  # fmt: skip
    assert told[0][5] == datetime(2024, 3, 1, 2, tzinfo=UTC)
    first, second = row.messages.order_by("seq")[:2]
    assert "裂纹.jpg https://old.example/a.jpg" in first.text
    assert "script" not in second.html
    assert "马上补发" in second.text
    assert "360001: 顺丰" in row.messages.get(seq=5).text
    assert (row.last_seq, row.last_public_seq, row.preview) == (5, 3, "谢谢，收到新的了")


def test_nothing_arises_and_figures_count_it_as_history() -> None:
    make_team("一组")
    before = set(Job.objects.values_list("pk", flat=True))
    bring(ticket(), ticket(2, status="open"))
    assert Delivery.objects.count() == 0
    assert SlaClock.objects.count() == 0
    owed = Job.objects.exclude(pk__in=before).values_list("name", flat=True)
    assert set(owed) <= {"tickets.check_migration", "tickets.run_migration"}
    events = Event.objects.filter(ticket_id__isnull=False)
    assert set(events.values_list("origin", flat=True)) == {"import"}
    assert events.filter(kind="ticket.resolved").count() == 1
    assert set(JOBS) >= {"tickets.check_migration", "tickets.run_migration"}


@pytest.mark.django_db(transaction=True)
def test_folds_count_imported_tickets_but_time_no_answers() -> None:
    bring(ticket(), ticket(2))
    for fold in FOLDS.values():
        advance(fold, timezone.now())
    counted = list(Fact.objects.values_list("metric", flat=True))
    assert counted.count("tickets_opened") == 2
    assert counted.count("tickets_resolved") == 2
    assert not {"first_response_time", "response_time", "resolution_time"} & set(counted)


def test_the_same_file_twice_changes_nothing_and_a_grown_one_adds_what_is_new() -> None:
    bring(ticket())
    before = list(Message.objects.order_by("pk").values_list("pk", "text"))
    again = bring(ticket())
    assert (again.tickets_new, again.tickets_changed, again.tickets_same, again.messages_new) == (0, 0, 1, 0)
    assert list(Message.objects.order_by("pk").values_list("pk", "text")) == before
    grown = ticket(status="open", updated_at="2024-04-01T00:00:00Z")
    grown["comments"].append({"id": 5, "author_id": 11, "body": "又裂了", "created_at": "2024-04-01T00:00:00Z"})
    third = bring(grown)
    assert (third.tickets_changed, third.messages_new) == (1, 1)
    row = Ticket.objects.get()
    assert (row.status, row.preview, row.last_seq) == ("open", "又裂了", 6)
    Ticket.objects.update(version=7)
    grown["comments"].append({"id": 6, "author_id": 11, "body": "还有一个", "created_at": "2024-04-02T00:00:00Z"})
    assert bring(grown).tickets_same == 1


def test_a_batch_takes_as_many_statements_for_many_tickets_as_for_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """New ones, the same again, and grown ones: never one statement a ticket or a message."""
    make_staff("lin@desk.example")
    bring(ticket(500))  # whoever is named is known from now on
    later = {"id": 9, "author_id": 11, "body": "又裂了", "public": True, "created_at": "2024-03-05T01:00:00Z"}
    for first, count in ((1, 1), (101, 9)):
        numbers = range(first, first + count)
        grown = [ticket(n) | {"comments": [*ticket(n)["comments"], later]} for n in numbers]
        for rows, statements in (([ticket(n) for n in numbers], 26), ([ticket(n) for n in numbers], 22), (grown, 26)):
            found = check(("users.json", lines(*USERS)), ("tickets.json", lines(*rows)))
            service.begin_migration(migration_id=found.pk, mapping={}, actor=SYSTEM, at=timezone.now())
            with django_assert_num_queries(statements):
                done = service.run_migration(migration_id=found.pk, at=timezone.now())
            assert done.tickets_new + done.tickets_changed + done.tickets_same == count


def test_a_stopped_migration_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(("users.json", lines(*USERS)), ("tickets.json", lines(*(ticket(n) for n in range(1, 13)))))
    service.begin_migration(migration_id=found.pk, mapping={}, actor=SYSTEM, at=timezone.now())
    monkeypatch.setattr("tickets.services.migration.running.BATCH", 5)
    assert service.migrate_slice(migration_id=found.pk, at=timezone.now(), seconds=0)
    found.refresh_from_db()
    assert (found.state, found.items_done, Ticket.objects.count()) == ("running", 5, 2)
    assert Job.objects.filter(name="tickets.run_migration", key=f"{found.pk}:5").exists()
    done = service.run_migration(migration_id=found.pk, at=timezone.now())
    assert (done.state, done.tickets_new, Ticket.objects.count()) == ("done", 12, 12)
    assert not MigrationPerson.objects.exists()


def test_called_off_what_is_in_stays_in(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(("tickets.json", lines(*(ticket(n) for n in range(1, 9)))))
    service.begin_migration(migration_id=found.pk, mapping={}, actor=SYSTEM, at=timezone.now())
    monkeypatch.setattr("tickets.services.migration.running.BATCH", 3)
    service.migrate_slice(migration_id=found.pk, at=timezone.now(), seconds=0)
    service.cancel_migration(migration_id=found.pk, actor=SYSTEM, at=timezone.now())
    assert service.run_migration(migration_id=found.pk, at=timezone.now()).state == "cancelled"
    assert Ticket.objects.count() == 3


def test_every_shape_says_the_same() -> None:
    page = {"users": USERS, "tickets": [ticket(1), ticket(2)], "next_page": None, "count": 2, "end_of_stream": True}
    shapes = {
        "lines.json": lines(*USERS, ticket(1), ticket(2)),
        "page.json": json.dumps(page, indent=2, ensure_ascii=False).encode("utf-8-sig"),
        "pages.json": lines(page, {"tickets": [], "users": []}),
        "list.json": json.dumps([*USERS, ticket(1), ticket(2)]).encode(),
        "wrapped.json": lines(*({"user": user} for user in USERS), {"ticket": ticket(1)}, {"ticket": ticket(2)}),
    }
    for name, data in shapes.items():
        found = check((name, data))
        assert (found.state, found.tickets_total, found.people_total, faults(found)) == ("checked", 2, 3, []), name


def test_a_table_in_chinese_from_excel() -> None:
    text = "编号,主题,状态,创建时间,客户姓名,客户邮箱,客服,快递公司\n"
    text += "7,杯子裂了,closed,2024/03/01 10:00,王小明,wang@example.com,赵前任,顺丰\n"
    done = take(check(("tickets.csv", text.encode("gb18030"))))
    row = Ticket.objects.get()
    assert (done.tickets_new, row.subject, row.customer.name) == (1, "杯子裂了", "王小明")
    assert "快递公司: 顺丰" in row.messages.get(kind="note").text


def test_what_a_value_becomes_is_chosen_before() -> None:
    CustomField.objects.create(key="carrier", label_zh="快递", label_en="Carrier")
    found = check(("tickets.json", lines(ticket(), ticket(2, status="strange"))))
    assert found.mapping["statuses"] == {"solved": "closed", "strange": "closed"}
    with pytest.raises(InvalidInput):
        service.begin_migration(
            migration_id=found.pk, mapping={"statuses": {"solved": "gone"}}, actor=SYSTEM, at=timezone.now()
        )
    take(found, statuses={"solved": "resolved"}, fields={"360001": "carrier"}, keep_tags=False)
    row = Ticket.objects.order_by("pk")[0]
    assert (row.status, row.tags) == ("resolved", [])
    assert row.field_values.get().value == "顺丰"


def test_unknown_users_and_odd_words_are_kept() -> None:
    odd = ticket(3, requester_id=999, assignee_id=998, subject="\ud800坏\u0000字", comments=[
        {"id": 1, "author_id": 999, "body": "一\u0000二 \ud83d", "created_at": "2024-03-01T02:00:00Z"},
        {"id": 2, "author_id": 998, "body": "内部", "public": False, "created_at": "2099-01-01T00:00:00Z"},
    ])  # fmt: skip
    done = bring(odd, users=[])
    assert (done.tickets_new, done.bad) == (1, 0)
    row = Ticket.objects.get()
    assert row.customer is not None
    assert FormerAgent.objects.get().name == "998"
    assert row.messages.get(seq=2).at <= timezone.now() + timedelta(minutes=6)


def test_known_customers_get_their_history() -> None:
    wang = make_customer(email="wang@example.com", phone=None, name="王小明")
    bring(ticket())
    assert Ticket.objects.get().customer_id == wang.pk


def test_bad_pieces_are_listed_with_their_line_and_the_good_ones_come_in() -> None:
    data = b"\n".join([
        lines(ticket(1)).strip(), b'{"id": 2, "subject": "x"', b"\xff\xfe{", b"[" * 100_000 + b"]" * 100_000,
        lines({"id": 5, "subject": "no time", "comments": []}).strip(), lines(ticket(6, created_at="bald")).strip(),
        b'{"subject": "no id", "comments": [], "created_at": "2024-01-01"}', b"17", b'{"id": NaN, "subject": "x"}',
        lines(ticket(10, comments=[], description="", subject="")).strip(), lines(ticket(11, status="deleted")).strip(),
        b'{"subject": "' + b"x" * 9_000_000 + b'"}', lines(ticket(13)).strip(),
    ])  # fmt: skip
    found = check(("tickets.json", data))
    assert faults(found) == [
        (2, "not_json"), (3, "encoding"), (4, "too_deep"), (5, "no_time"), (6, "bad_time"), (7, "no_id"),
        (8, "unknown_shape"), (9, "not_json"), (10, "no_words"), (11, "deleted"), (12, "too_large"),
    ]  # fmt: skip
    assert take(found).tickets_new == 2
    table = service.write_problems(found).decode("utf-8-sig")
    assert table.count("\n") >= 12
    assert "\n=" not in table
    assert ",=" not in table


def test_hostile_documents_end_with_a_fault_not_with_a_crash(tmp_path: Any) -> None:
    cases = {
        "cut.json": (json.dumps({"tickets": [ticket(1), ticket(2)]})[:-40].encode(), "not_json"),
        "deep.json": (b'{"tickets": [' + b"[" * 200_000, "too_deep"),
        "long.json": (b'{"tickets": [{"subject": "' + b"y" * 20_000_000, "too_large"),
        "bytes.json": (b'{\n"tickets": [\n{"id": 1, "subject": "\xff\xff"}]}', "encoding"),
    }
    for name, (data, fault) in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        found = list(pieces(path, name))
        assert found[-1].fault == fault, name


def test_packed_empty_and_foreign_files_are_refused_at_the_door() -> None:
    for data in (b"PK\x03\x04bomb", b"\x1f\x8b\x08", b"", b"  \n", b"%PDF-1.7", b"<html>", b"MZ\x00\x00"):
        with pytest.raises(MigrationRefused):
            check(("tickets.json", data))
    assert Migration.objects.count() == 0


def test_imported_words_are_found_and_former_agents_named(client: Any) -> None:
    bring(ticket())
    client.force_login(make_staff(roles=["admin"]))
    assert "杯子有裂纹 1" in client.get("/desk/search/", {"q": "补发"}).content.decode()
    page = client.get(f"/desk/t/{Ticket.objects.get().pk}/").content.decode()
    assert "赵前任" in page
    assert "裂纹.jpg" in page


def test_the_page_leads_from_files_to_the_end(client: Any) -> None:
    client.force_login(make_staff(roles=["supervisor"]))
    assert client.get("/settings/migration/").status_code == 403
    client.force_login(make_staff(roles=["admin"]))
    files = [SimpleUploadedFile("users.json", lines(*USERS)), SimpleUploadedFile("tickets.json", lines(ticket(), 5))]
    answer = client.post("/settings/migration/", {"source": "zendesk", "files": files})
    assert answer.status_code == 302
    found = Migration.objects.get()
    url = f"/settings/migration/{found.pk}/"
    assert "hx-trigger" in client.get(url).content.decode()
    service.check_migration(migration_id=found.pk, at=timezone.now())
    page = client.get(url).content.decode()
    assert "solved" in page
    assert 'name="statuses_0"' in page
    assert client.get(f"{url}refused.csv").status_code == 200
    typed = {"statuses_0": "resolved", "priorities_0": "40", "fields_0": "note", "keep_tags": "on"}
    assert client.post(url, typed | {"statuses_0": "gone"}).status_code == 422
    assert client.post(url, typed).status_code == 302
    assert client.post(url, typed).status_code == 409
    service.run_migration(migration_id=found.pk, at=timezone.now())
    assert client.get(url).status_code == 200
    assert (Ticket.objects.get().status, Ticket.objects.get().priority) == ("resolved", 40)
    assert client.post("/settings/migration/", {"source": "zendesk"}).status_code == 422


def test_the_command_checks_first_and_imports_with_yes(tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "tickets.json"
    path.write_bytes(lines(ticket(), 5))
    call_command("import_tickets", str(path), "--refused", str(tmp_path / "bad.csv"))
    assert Ticket.objects.count() == 0
    assert (tmp_path / "bad.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    call_command("import_tickets", str(path), "--yes", "--mapping", '{"statuses": {"solved": "open"}}')
    assert Ticket.objects.get().status == "open"
    with pytest.raises(CommandError):
        call_command("import_tickets", str(tmp_path / "none.json"))
