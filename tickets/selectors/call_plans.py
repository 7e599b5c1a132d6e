"""A line's menu and distribution as its PBX gets it, and the way a caller went through it in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import get_language

from accounts.enums import PresenceStatus
from accounts.models import Membership
from core.calendar import BusinessCalendar
from core.calendar.business import to_datetime
from tickets.calls_enums import CallResult, CallState, OptionKind
from tickets.models import Call, PhoneLine, PhonePlan, PhoneSeat

DAYS = 8


def served_plan(
    line: PhoneLine, tree: Mapping[str, Any], version: int, calendar: BusinessCalendar, at: datetime
) -> Any:
    """Return what the PBX needs to greet, ask, ring and overflow; the form stands in docs/phone-webhook.md."""
    menus = {menu["id"]: menu for menu in tree["menus"]}
    first = _menu(tree["root"], menus) if tree["root"] else None
    queues = {queue["team"]: queue for queue in tree["queues"]}
    teams = {line.team_id, *_teams_in(tree)}
    return {
        "plan": version,
        "line": line.number,
        "announce_recording": line.is_recorded,
        "hours": {"timezone": calendar.tz, "open": _open_times(calendar, at)},
        "closed": {"say": {"zh": tree["closed"]["zh"], "en": tree["closed"]["en"]},
                   "call_back": tree["closed"]["call_back"]},
        "default_queue": f"team-{line.team_id}",
        "menu": first,
        "queues": [_queue(pk, queues.get(pk, {}), seats) for pk, seats in sorted(seats_of(teams, at).items())],
    }  # fmt: skip


def etag_of(plan: Any) -> str:
    """Return the strong tag of a plan as served: anything that changes it changes the tag."""
    text = json.dumps(plan, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _teams_in(tree: Mapping[str, Any]) -> set[int]:
    found = {
        option["team"] for menu in tree["menus"] for option in menu["options"] if option["kind"] == OptionKind.TEAM
    }
    for queue in tree["queues"]:
        found |= {queue["team"], *([queue["overflow_team"]] if queue["overflow_team"] else [])}
    return found


def _menu(menu_id: str, menus: Mapping[str, Any]) -> dict[str, Any]:
    menu = menus[menu_id]
    options = []
    for option in menu["options"]:
        one = {"key": option["key"], "label": {"zh": option["zh"], "en": option["en"]}, "do": option["kind"]}
        if option["kind"] == OptionKind.TEAM:
            one["queue"] = f"team-{option['team']}"
        elif option["kind"] == OptionKind.MENU:
            one["menu"] = _menu(option["menu"], menus)
        elif option["kind"] == OptionKind.MESSAGE:
            one["say"] = {"zh": option["say_zh"], "en": option["say_en"]}
        options.append(one)
    return {"say": {"zh": menu["zh"], "en": menu["en"]}, "options": options}


def _queue(team_id: int, queue: Mapping[str, Any], seats: list[dict[str, Any]]) -> dict[str, Any]:
    found = {"queue": f"team-{team_id}", "strategy": queue.get("strategy", "longest_idle"), "seats": seats}
    if queue.get("overflow"):
        to = {"do": queue["overflow"]}
        if queue["overflow"] == "team":
            to = {"do": "team", "queue": f"team-{queue['overflow_team']}"}
        found |= {"overflow_after": queue["overflow_after"], "overflow": to}
    return found


def _open_times(calendar: BusinessCalendar, at: datetime) -> list[list[str]]:
    """Return when the line is open from today on, a week and a day ahead, holidays taken out, in UTC."""
    today: date = at.astimezone(calendar.zone).date()
    spans: list[list[int]] = []
    for offset in range(-1, DAYS):
        for start, end in calendar.open_spans(today + timedelta(days=offset)):
            if spans and start <= spans[-1][1]:
                spans[-1][1] = max(spans[-1][1], end)
            else:
                spans.append([start, end])
    return [[_iso(start), _iso(end)] for start, end in spans if to_datetime(end) > at]


def _iso(microseconds: int) -> str:
    return to_datetime(microseconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def seats_of(team_ids: Iterable[int], at: datetime) -> dict[int, list[dict[str, Any]]]:
    """Return team id → its extensions and whether each is free: online, on no call, none left to wrap up."""
    ids = set(team_ids)
    members = Membership.objects.filter(
        team_id__in=ids, staff__is_active=True, staff__phone_seat__isnull=False
    ).values_list("team_id", "staff_id", "staff__phone_seat__extension", "staff__presence__status")
    rows = list(members)
    busy = busy_people((staff_id for _team, staff_id, _extension, _status in rows), at)
    found: dict[int, list[dict[str, Any]]] = {pk: [] for pk in ids}
    for team_id, staff_id, extension, status in sorted(rows, key=lambda row: (row[0], row[2])):
        is_free = status == PresenceStatus.ONLINE and staff_id not in busy
        found[team_id].append({"extension": extension, "free": is_free})
    return found


def busy_people(staff_ids: Iterable[int], at: datetime) -> set[int]:
    """Return who of these is on the phone or still has a call of today's to wrap up."""
    recent = Call.objects.filter(agent_id__in=list(staff_ids), started_at__gt=at - timedelta(hours=8))
    open_ones = Q(state=CallState.ANSWERED) | Q(state=CallState.ENDED, result=CallResult.ANSWERED, wrapped_at=None)
    return set(recent.filter(open_ones, wrapped_at__isnull=True).values_list("agent_id", flat=True))


def seat_of(staff_id: int) -> PhoneSeat | None:
    """Return a person's seat, None for somebody without a phone."""
    return PhoneSeat.objects.filter(pk=staff_id).first()


def menu_words(calls: Iterable[Call]) -> dict[int, str]:
    """Return call id → the way its caller went through the menu, in the reader's language; one query."""
    wanted = [call for call in calls if call.menu_keys and call.plan_version]
    if not wanted:
        return {}
    pairs = {(call.line_id, call.plan_version) for call in wanted}
    rows = PhonePlan.objects.filter(line_id__in={line for line, _version in pairs})
    rows = rows.filter(version__in={version for _line, version in pairs})
    trees = {(plan.line_id, plan.version): plan.tree for plan in rows}
    language = "en" if (get_language() or "").startswith("en") else "zh"
    found = {}
    for call in wanted:
        tree = trees.get((call.line_id, call.plan_version or 0))
        if tree is not None:
            found[call.pk] = " › ".join(_names(tree, call.menu_keys, language))
    return {pk: words for pk, words in found.items() if words}


def _names(tree: Mapping[str, Any], keys: Iterable[str], language: str) -> list[str]:
    menus = {menu["id"]: menu for menu in tree["menus"]}
    at, names = menus.get(tree["root"]), []
    for key in keys:
        option = next((one for one in at["options"] if one["key"] == key), None) if at else None
        if option is None:
            break
        names.append(option[language] or option["zh"])
        at = menus.get(option.get("menu", ""))
    return names
