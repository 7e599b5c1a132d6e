"""What a PBX is served and asked: the menu, the distribution, calling by click."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import InvalidInput, StaleEdit
from core.jobs import drain
from core.outgoing import is_public
from core.posting import AddressRefused, post
from cs_portal.demo.pbx import ControlDoor, Pbx
from tests.factories.accounts import make_staff
from tests.factories.calls import SIGNATURE, TIMESTAMP, Office, make_tree
from tickets.models import Call, PhoneLine, PhonePlan
from tickets.selectors.calls import cards_of
from tickets.services.calls.dialing import give_up_stale
from tickets.services.calls.plans import check_tree, save_plan
from tickets.services.calls.signing import signature_of


@pytest.fixture
def office(db: None) -> Office:
    return Office()


# ---- the menu ------------------------------------------------------------------------------------------------------


def _is_refused(tree: dict[str, Any], teams: dict[int, str]) -> bool:
    try:
        check_tree(tree, teams)
    except InvalidInput as refused:
        return bool(refused.fields["plan"])
    return False


def test_a_menu_must_lead_everyone_somewhere() -> None:
    teams = {3: "售前", 5: "售后"}
    assert check_tree(make_tree(3), teams)["root"] == "m1"
    bad: list[tuple[str, dict[str, Any]]] = []
    for path, value in [
        (("menus", 0, "options", 0, "team"), 99), (("menus", 0, "options", 1, "menu"), "m9"),
        (("menus", 0, "options", 1, "key"), "1"), (("menus", 0, "options", 1, "key"), "x"),
        (("menus", 0, "options", 1), {"key": "2", "zh": "a", "en": "b", "kind": "call_back"}),  # m2 unreachable
        (("menus", 1, "options", 0), {"key": "1", "zh": "a", "en": "b", "kind": "menu", "menu": "m1"}),  # a circle
        (("menus", 1, "options", 0), {"key": "1", "zh": "a", "en": "b", "kind": "menu", "menu": "m2"}),
        (("menus", 1, "options", 1, "say_en"), ""), (("menus", 1, "options"), []), (("menus", 1, "en"), ""),
        (("menus", 1, "id"), "m1"),
    ]:  # fmt: skip
        tree: Any = make_tree(3)
        place = tree
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        bad.append((str(path), tree))
    around = [
        {"team": 3, "strategy": "ring_all", "overflow_after": 30, "overflow": "team", "overflow_team": 5},
        {"team": 5, "strategy": "ring_all", "overflow_after": 30, "overflow": "team", "overflow_team": 3},
    ]
    bad += [
        ("overflow circle", make_tree(3, queues=around)),
        ("twice", make_tree(3, queues=[{"team": 3}, {"team": 3}])),
    ]
    bad += [("at once", make_tree(3, queues=[{"team": 3, "overflow": "call_back", "overflow_after": 1}]))]
    for name, tree in bad:
        assert _is_refused(tree, teams), name


def test_the_plan_is_served_signed_with_a_tag(office: Office) -> None:
    tree = make_tree(office.team.pk, queues=[
        {"team": office.team.pk, "strategy": "ring_all", "overflow": "call_back", "overflow_after": 45}
    ])  # fmt: skip
    save_plan(line_id=office.line.pk, version=0, tree=tree, actor=SYSTEM, at=timezone.now())
    with pytest.raises(StaleEdit):
        save_plan(line_id=office.line.pk, version=0, tree=make_tree(office.team.pk), actor=SYSTEM, at=timezone.now())
    path = f"/hooks/phone/{office.line.key}/plan/"
    stamp = str(int(timezone.now().timestamp()))
    headers = {TIMESTAMP: stamp, SIGNATURE: signature_of(office.secret, stamp, b"")}
    assert Client().get(path).status_code == 401
    answer = Client().get(path, headers=headers)
    plan = answer.json()
    assert plan["menu"]["options"][1]["menu"]["options"][1]["say"] == {"zh": "杭州市", "en": "Hangzhou"}
    (queue,) = plan["queues"]
    assert queue["seats"] == [{"extension": "8001", "free": True}]
    assert (queue["overflow_after"], queue["overflow"]) == (45, {"do": "call_back"})
    assert Client().get(path, headers={**headers, "If-None-Match": answer["ETag"]}).status_code == 304
    office.ring()
    office.tell("answered", 10, extension="8001")
    assert Client().get(path, headers=headers).json()["queues"][0]["seats"][0]["free"] is False


def test_the_menu_is_edited_on_its_page(office: Office) -> None:
    client = Client()
    client.force_login(make_staff(roles=["supervisor"], teams=[office.team]))
    path = f"/settings/phone/{office.line.pk}/menu/"
    fields = {
        "version": "0", "menu-0-id": "m1", "menu-0-zh": "您好", "menu-0-en": "Hello", "menu-0-0-key": "1",
        "menu-0-0-zh": "售后", "menu-0-0-en": "Service", "menu-0-0-to": f"team:{office.team.pk}",
        "closed-zh": "关", "closed-en": "closed", f"queue-{office.team.pk}-strategy": "ring_all",
        f"queue-{office.team.pk}-after": "", f"queue-{office.team.pk}-overflow": "",
    }  # fmt: skip
    assert 'value="m2"' in client.post(path, {**fields, "add": "1"}).content.decode()
    assert client.post(path, {**fields, "menu-0-0-to": "menu:m9"}).status_code == 422
    assert client.post(path, fields).status_code == 302
    assert client.post(path, {**fields, "menu-0-zh": "别的"}).status_code == 409
    assert PhonePlan.objects.get().version == 1


# ---- calling by click, through a small PBX that answers for real ---------------------------------------------------


@pytest.fixture
def door(office: Office, settings: Any) -> Any:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    found = ControlDoor(office.secret)
    PhoneLine.objects.filter(pk=office.line.pk).update(control_url=found.url)
    yield found
    found.close()


def _press(office: Office, call: Call) -> Any:
    client = Client()
    client.force_login(office.agent)
    answer = client.post("/desk/calls/dial/", {"call": call.pk})
    drain(seconds=5)
    return answer


def test_calling_by_click_is_signed_asked_once_and_told_back(office: Office, door: Any) -> None:
    entry = office.missed(call="m1")
    assert _press(office, entry.call).status_code == 302
    (order,) = door.orders
    assert {key: order[key] for key in ("do", "extension", "number")} == {
        "do": "dial", "extension": "8001", "number": "+8613800138000",
    }  # fmt: skip
    (card,) = cards_of(office.agent, timezone.now())
    assert card.phase == "asked"
    assert _press(office, entry.call).status_code == 409, "one at a time"
    office.tell("ringing", 60, call=order["call"], direction="out", extensions=[])
    office.tell("answered", 65, call=order["call"], direction="out", extension="8001")
    call = Call.objects.get(ref=order["call"])
    assert (call.direction, call.state, call.agent, call.asked_by) == ("out", "answered", office.agent, office.agent)
    assert call.ticket is not None
    entry.refresh_from_db()
    assert (entry.state, entry.end) == ("solved", "reached")


def test_what_the_pbx_will_not_do_is_said(office: Office, door: Any, settings: Any) -> None:
    call = office.whole_call()
    for answer, failure in (
        ((409, {"code": "extension_busy"}), "extension_busy"),
        ((403, {"code": "<b>"}), "pbx_refused"),
    ):
        door.answer = answer
        _press(office, call)
        assert Call.objects.latest("pk").failure == failure
    settings.OUTGOING_ALLOW = []
    _press(office, call)
    assert Call.objects.latest("pk").failure == "address_refused", "a loopback address nobody allowed"
    client = Client()
    client.force_login(office.agent)
    assert "控制地址不允许访问" in client.get("/desk/calls/cards/", headers={"Accept-Language": "zh"}).content.decode()


def test_a_pbx_that_is_away_is_asked_again_and_then_given_up(office: Office, door: Any) -> None:
    call = office.whole_call()
    door.answer = (503, {})
    _press(office, call)
    waiting = Call.objects.latest("pk")
    assert (waiting.state, waiting.failure) == ("asked", "")
    give_up_stale(at=timezone.now() + timedelta(minutes=3))
    waiting.refresh_from_db()
    assert (waiting.state, waiting.result, waiting.failure) == ("ended", "failed", "pbx_silent")


def test_an_address_inside_is_never_asked(settings: Any) -> None:
    settings.OUTGOING_ALLOW = []
    inside = ["http://127.0.0.1/x", "http://localhost/x", "http://[::1]/x", "https://127.0.0.1:9/"]
    odd = [
        "http://user@pbx.example/",
        "ftp://a/",
        "file:///etc/passwd",
        "http://a\\b/",
        "http://a b/",
        "http://a:0/",
        "//a",
    ]
    for url in inside + odd:
        with pytest.raises(AddressRefused):
            post(url, b"{}", {}, seconds=1)
    hidden = (
        "10.0.0.8 169.254.169.254 192.168.1.1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: fe80::1 224.0.0.1 0.0.0.0"
    )
    assert [one for one in hidden.split() if is_public(ipaddress.ip_address(one))] == []
    assert is_public(ipaddress.ip_address("8.8.8.8"))


def test_the_stand_in_plays_a_call_the_product_understands(office: Office) -> None:
    """Its own signature and messages, handed over by a client in place of the wire."""
    pbx, client = Pbx("http://testserver", office.line.key, office.secret), Client()

    class Wire:
        def open(self, request: Any, timeout: float) -> Any:
            headers = {key: value for key, value in request.header_items() if key.lower() != "content-type"}
            path = request.full_url.removeprefix("http://testserver")
            send = client.post if request.method == "POST" else client.get
            more = {"data": request.data, "content_type": "application/json"} if request.method == "POST" else {}
            answer = send(path, headers=headers, **more)

            class Reply:
                status = answer.status_code
                read = staticmethod(lambda: answer.content)
                __enter__ = lambda self: self  # noqa: E731
                __exit__ = lambda *_a: None  # noqa: E731

            return Reply()

    pbx.opener = Wire()
    assert pbx.free_extensions() == ["8001"]
    ref = pbx.play_call("13900139000", "8001", ring=0, talk=0, keys=("1",), wait=lambda _s: None)
    drain(seconds=5)
    call = Call.objects.get(ref=ref)
    assert (call.state, call.result, call.agent, call.menu_keys) == ("ended", "answered", office.agent, ["1"])
