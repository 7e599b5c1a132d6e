"""What two providers of different shape say, read to the same traces; pure but for the account that signs."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from core.errors import InvalidInput, NotSignedIn
from cs_portal.demo.carrier import md5
from orders.carriers import adapter_for, adapters
from tests.factories.carrying import make_account

SF = {
    "status": "polling", "message": "", "autoCheck": "0", "comOld": "", "comNew": "",
    "lastResult": {
        "message": "ok", "state": "5", "status": "200", "ischeck": "0", "com": "shunfeng", "nu": "SF1234567890123",
        "data": [
            {"context": "快件已到达丰巢柜", "time": "2026-11-16 12:01:33", "ftime": "2026-11-16 12:01:33",
             "status": "投柜或驿站", "statusCode": "501", "areaName": "上海,上海市,浦东新区"},
            {"context": "包裹破损，重新包装", "time": "2026-11-16 03:12:45", "ftime": "2026-11-16 03:12:45",
             "status": "疑难", "statusCode": "209", "areaName": None},
            {"context": "快件已揽收", "time": "2026-11-15 18:02:11", "ftime": "2026-11-15 18:02:11",
             "status": "揽收", "areaName": "浙江,杭州市"},
        ],
    },
}  # fmt: skip
HOOK = {
    "event": "tracking_update", "event_id": "6ac5e4b4-3c6e-4f3c-9a55-0e3a6f3f1a11", "ts": 1763300000,
    "msg": {
        "id": "x", "slug": "usps", "tracking_number": "9405511202575421535949", "tag": "Exception",
        "checkpoints": [
            {"tag": "InTransit", "subtag": "InTransit_001", "message": "Arrived", "checkpoint_time":
             "2026-07-08T09:45:00-05:00", "city": "Dallas", "state": "TX", "country_region": "USA"},
            {"tag": "AvailableForPickup", "subtag": "AvailableForPickup_001", "message": "At the counter",
             "checkpoint_time": "2026-07-08T09:45:00", "location": "杭州", "country_region": "CHN"},
            {"tag": "Exception", "subtag": "Exception_011", "message": "Back", "checkpoint_time":
             "2026-07-09T10:00:00", "country_region": "ZZZ"},
        ],
    },
}  # fmt: skip


def form(told, salt="pepper-and-salt"):
    param = json.dumps(told, ensure_ascii=False)
    return urlencode({"sign": md5(param + salt), "param": param})


def test_kuaidi100_tells_advanced_and_basic_codes_in_chinese_time():
    [trace] = adapter_for("kuaidi100").read_push(form(SF))
    assert (trace.company, trace.tracking_number, trace.over, trace.corrected_company) == (
        "shunfeng", "SF1234567890123", False, "",
    )  # fmt: skip
    told = [(scan.at.astimezone(UTC).isoformat(), scan.code, scan.status, scan.place) for scan in trace.scans]
    assert told == [
        ("2026-11-16T04:01:33+00:00", "501", "ready_for_pickup", "上海 上海市 浦东新区"),
        ("2026-11-15T19:12:45+00:00", "209", "problem", ""),
        ("2026-11-15T10:02:11+00:00", "1", "picked_up", "浙江 杭州市"),
    ]


@pytest.mark.parametrize(
    ("code", "status"),
    [("0", "in_transit"), ("1", "picked_up"), ("2", "problem"), ("3", "delivered"), ("4", "returned"),
     ("5", "out_for_delivery"), ("6", "returning"), ("7", "in_transit"), ("8", "in_transit"), ("13", "problem"),
     ("14", "refused"), ("101", "created"), ("103", "picked_up"), ("1001", "in_transit"), ("1003", "in_transit"),
     ("301", "delivered"), ("304", "delivered"), ("401", "returned"), ("501", "ready_for_pickup"),
     ("9999", "in_transit"), ("天", "in_transit")],
)  # fmt: skip
def test_every_code_of_kuaidi100_has_a_status_of_ours(code, status):
    row = {"context": "x", "ftime": "2026-11-15 18:02:11", "statusCode": code}
    last = {"nu": "SF1234567890", "com": "shunfeng", "state": "0", "data": [row]}
    [trace] = adapter_for("kuaidi100").read_push(form({"status": "polling", "lastResult": last}))
    assert trace.scans[0].status == status


def test_kuaidi100_says_when_it_is_over_and_whose_parcel_it_really_is():
    read = adapter_for("kuaidi100").read_push
    assert read(form(SF | {"status": "shutdown"}))[0].over
    assert read(form(SF | {"status": "abort"}))[0].over
    [moved] = read(form(SF | {"status": "abort", "comOld": "shunfeng", "comNew": "zhongtong"}))
    assert (moved.company, moved.corrected_company, moved.over) == ("shunfeng", "zhongtong", False)


def test_aftership_tells_times_with_and_without_a_zone():
    [trace] = adapter_for("aftership").read_push(json.dumps(HOOK))
    told = [(scan.at.astimezone(UTC), scan.code, scan.status, scan.place) for scan in trace.scans]
    assert told == [
        (datetime(2026, 7, 9, 10, 0, tzinfo=UTC), "Exception_011", "returned", ""),
        (datetime(2026, 7, 8, 14, 45, tzinfo=UTC), "InTransit_001", "in_transit", "TX Dallas"),
        (datetime(2026, 7, 8, 1, 45, tzinfo=UTC), "AvailableForPickup", "ready_for_pickup", "杭州"),
    ]
    assert all(len(scan.code) <= 20 for scan in trace.scans)


def test_a_push_is_named_by_its_event_or_by_what_it_says():
    kuaidi, after = adapter_for("kuaidi100"), adapter_for("aftership")
    one = urlencode({"param": json.dumps(SF), "sign": "x"}).encode()
    spaced = urlencode({"sign": "y", "param": json.dumps(SF, indent=2, sort_keys=True)}).encode()
    other = urlencode({"param": json.dumps(SF | {"status": "shutdown"})}).encode()
    assert kuaidi.message_key({}, one) == kuaidi.message_key({}, spaced) != kuaidi.message_key({}, other)
    assert after.message_key({}, json.dumps(HOOK).encode()) == HOOK["event_id"]
    unnamed = {key: value for key, value in HOOK.items() if key != "event_id"}
    assert len(after.message_key({}, json.dumps(unnamed).encode())) == 64


@pytest.mark.parametrize("provider", ["kuaidi100", "aftership"])
@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("", "push_not_json"), ("nonsense", "push_not_json"), ("[" * 20000, "push_not_json"),
        ([], "push_without_result"), ({"lastResult": 1, "msg": 1}, "push_without_result"),
        ({"lastResult": {}, "msg": {}}, "push_without_number"),
        ({"lastResult": {"nu": "N1234567", "com": "c", "data": 1},
          "msg": {"tracking_number": "N1234567", "slug": "c", "checkpoints": 1}}, "push_rows_not_read"),
        ({"lastResult": {"nu": "N1234567", "com": "c", "data": [{"ftime": "gestern"}]},
          "msg": {"tracking_number": "N1234567", "slug": "c", "checkpoints": [{"checkpoint_time": "gestern"}]}},
         "push_time_not_read"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_code(provider, told, code):
    text = told if isinstance(told, str) else json.dumps(told)
    body = urlencode({"param": text}) if provider == "kuaidi100" else text
    with pytest.raises(InvalidInput) as refused:
        adapter_for(provider).read_push(body)
    assert refused.value.code == code


@pytest.mark.django_db
def test_only_the_account_s_own_secret_signs():
    account, adapter = make_account(), adapter_for("kuaidi100")
    adapter.verify_push(account, {}, form(SF).encode())
    for body in (form(SF, salt=""), form(SF, salt="other"), "param=%7B%7D", "", "sign=&param="):
        with pytest.raises(NotSignedIn):
            adapter.verify_push(account, {}, body.encode())
    after = make_account("aftership", "https://api.aftership.com/tracking/2025-01")
    for headers in ({}, {"aftership-hmac-sha256": ""}, {"aftership-hmac-sha256": "é" * 44}):
        with pytest.raises(NotSignedIn):
            adapter_for("aftership").verify_push(after, headers, b"{}")


def test_every_provider_names_what_its_account_needs():
    shipped = [adapter for adapter in adapters().values() if type(adapter).__module__.startswith("orders.carriers.")]
    assert len(shipped) >= 2
    for adapter in shipped:
        assert adapter.credentials
        assert adapter.base_url.startswith("https://")
        assert adapter.query_gap.total_seconds() >= 1800
        assert adapter.push_answer(True)[0] == 200
