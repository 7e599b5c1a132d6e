"""The menu callers hear and how calls are shared out: checked whole, kept as versions that never change.

A tree: {"root": id of the first menu or "", "menus": [{"id", "zh", "en", "options": [{"key", "zh", "en", "kind",
"team" | "menu" | "say_zh", "say_en"}]}], "queues": [{"team", "strategy", "overflow_after", "overflow",
"overflow_team"}], "closed": {"zh", "en", "call_back"}}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Team
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.events import Code, record
from core.text import tidy_text
from tickets.calls_enums import OptionKind, Strategy
from tickets.calls_events import PhoneLineChanged
from tickets.models import PhoneLine, PhonePlan

KEYS = "1234567890*#"
MOST_MENUS, MOST_DEPTH, MOST_WORDS = 20, 5, 300
OVERFLOWS = ("", "team", "call_back", "message")


def empty_tree() -> dict[str, Any]:
    """Return the plan of a line nobody set: no menu, everything rings at the line's team."""
    closed = {"zh": "您好，现在不是服务时间，请留下回电登记。", "en": "We are closed now. Please leave a call-back."}
    return {"root": "", "menus": [], "queues": [], "closed": closed | {"call_back": True}}


def newest_plan(line_id: int) -> PhonePlan | None:
    """Return the version of a line's plan that is served, None before the first."""
    return PhonePlan.objects.filter(line_id=line_id).order_by("-version").first()


@transaction.atomic
def save_plan(*, line_id: int, version: int, tree: Mapping[str, Any], actor: Actor, at: datetime) -> PhonePlan:
    """Add the next version of a line's plan; `version` is the one it was made from, 0 for none.

    Raises InvalidInput with every fault in words, StaleEdit when somebody saved another meanwhile.
    """
    line = PhoneLine.objects.select_for_update(no_key=True, of=("self",)).get(pk=line_id)
    clean = check_tree(tree, {team.pk: team.name for team in Team.objects.filter(archived_at__isnull=True)})
    known = newest_plan(line_id)
    if (known.version if known else 0) != version:
        raise StaleEdit
    if known is not None and known.tree == clean:
        return known
    plan = PhonePlan(line=line, version=version + 1, tree=clean, made_by_id=actor.id, made_at=at)
    try:
        with transaction.atomic():
            plan.save(force_insert=True)
    except IntegrityError:
        raise StaleEdit from None
    data = PhoneLineChanged(fields=(Code("plan"),), plan_version=plan.version)
    record("phone_line.changed", subject=line, actor=actor, at=at, data=data)
    return plan


def check_tree(tree: Mapping[str, Any], teams: Mapping[int, str]) -> dict[str, Any]:
    """Return the tree tidied. Raises InvalidInput with a sentence for every fault."""
    menus = [_tidy_menu(menu) for menu in tree.get("menus", [])]
    faults: list[str] = []
    if len(menus) > MOST_MENUS:
        faults.append(_("A line has twenty menus at most."))
    by_id = {menu["id"]: menu for menu in menus}
    if len(by_id) != len(menus):
        faults.append(_("Two menus have the same name."))
    for menu in menus:
        faults += _faults_of(menu, by_id, teams)
    root = menus[0]["id"] if menus else ""
    if menus and not faults:
        faults += _ways(by_id, root)
    queues = [_tidy_queue(queue) for queue in tree.get("queues", [])]
    faults += _queue_faults(queues, teams)
    if faults:
        raise InvalidInput(fields={"plan": list(dict.fromkeys(faults))})
    closed = tree.get("closed", {})
    said = {name: _tidy(closed.get(name)) for name in ("zh", "en")}
    return {
        "root": root, "menus": menus, "queues": queues, "closed": said | {"call_back": bool(closed.get("call_back"))}
    }  # fmt: skip


def _tidy(value: Any) -> str:
    return " ".join(tidy_text(str(value or "")).split())[:MOST_WORDS]


def _tidy_menu(menu: Mapping[str, Any]) -> dict[str, Any]:
    options = []
    for option in menu.get("options", []):
        kind = str(option.get("kind", ""))
        kept = {name: _tidy(option.get(name)) for name in ("zh", "en")} | {
            "key": str(option.get("key", "")),
            "kind": kind,
        }
        if kind == OptionKind.TEAM:
            kept["team"] = option.get("team")
        elif kind == OptionKind.MENU:
            kept["menu"] = str(option.get("menu", ""))
        elif kind == OptionKind.MESSAGE:
            kept |= {name: _tidy(option.get(name)) for name in ("say_zh", "say_en")}
        options.append(kept)
    options.sort(key=lambda one: (one["key"] == "", KEYS.find(one["key"])))
    return {"id": str(menu.get("id", "")), "zh": _tidy(menu.get("zh")), "en": _tidy(menu.get("en")), "options": options}


def _faults_of(menu: Mapping[str, Any], menus: Mapping[str, Any], teams: Mapping[int, str]) -> list[str]:
    name, faults = menu["zh"] or menu["id"], []
    if not re.fullmatch(r"[a-z0-9-]{1,20}", menu["id"]):
        faults.append(_("A menu has no name of its own."))
    if not menu["zh"] or not menu["en"]:
        faults.append(_("“%(menu)s”: say what callers hear, in both languages.") % {"menu": name})
    if not menu["options"]:
        faults.append(_("“%(menu)s”: a menu needs at least one key.") % {"menu": name})
    keys = [option["key"] for option in menu["options"]]
    for option in menu["options"]:
        key = option["key"]
        told = {"menu": name, "key": key or "–"}
        if len(key) != 1 or key not in KEYS:
            faults.append(_("“%(menu)s”: every choice needs a key from 0 to 9, * or #.") % told)
        elif keys.count(key) > 1:
            faults.append(_("“%(menu)s”: key %(key)s leads to two places.") % told)
        if not option["zh"] or not option["en"]:
            faults.append(_("“%(menu)s”, key %(key)s: name the choice in both languages.") % told)
        if not _leads_somewhere(option, menus, teams):
            faults.append(_("“%(menu)s”, key %(key)s: it leads nowhere.") % told)
    return faults


def _leads_somewhere(option: Mapping[str, Any], menus: Mapping[str, Any], teams: Mapping[int, str]) -> bool:
    match option["kind"]:
        case OptionKind.TEAM:
            return option.get("team") in teams
        case OptionKind.MENU:
            return option.get("menu") in menus
        case OptionKind.MESSAGE:
            return bool(option.get("say_zh") and option.get("say_en"))
        case OptionKind.CALL_BACK:
            return True
    return False


def _ways(menus: Mapping[str, Any], root: str) -> list[str]:
    """Walk every way from the first menu: none may come back to where it was, and every menu must be reached."""
    faults: list[str] = []
    reached: set[str] = set()

    def walk(menu_id: str, way: tuple[str, ...]) -> None:
        name = menus[menu_id]["zh"]
        if menu_id in way:
            faults.append(_("“%(menu)s” leads back to itself: callers would go round in circles.") % {"menu": name})
            return
        if len(way) >= MOST_DEPTH:
            faults.append(_("“%(menu)s” lies too deep: nobody listens to six menus.") % {"menu": name})
            return
        if menu_id in reached:
            return  # its own ways have been walked; a circle through it would have been met there
        reached.add(menu_id)
        for option in menus[menu_id]["options"]:
            if option["kind"] == OptionKind.MENU:
                walk(option["menu"], (*way, menu_id))

    walk(root, ())
    faults += [
        _("No key leads to “%(menu)s”.") % {"menu": menu["zh"]} for pk, menu in menus.items() if pk not in reached
    ]
    return faults


def _tidy_queue(queue: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "team": queue.get("team"),
        "strategy": str(queue.get("strategy") or Strategy.LONGEST_IDLE),
        "overflow_after": queue.get("overflow_after") or 0,
        "overflow": str(queue.get("overflow") or ""),
        "overflow_team": queue.get("overflow_team") if queue.get("overflow") == "team" else None,
    }


def _queue_faults(queues: list[dict[str, Any]], teams: Mapping[int, str]) -> list[str]:
    faults = []
    onward = {}
    for queue in queues:
        name = {"team": teams.get(queue["team"], "–")}
        after, is_known = queue["overflow_after"], queue["overflow"] in OVERFLOWS
        is_time = isinstance(after, int) and (5 if queue["overflow"] else 0) <= after <= 3600
        if queue["team"] not in teams or queue["strategy"] not in Strategy.values:
            faults.append(_("A queue belongs to a team that does not exist."))
        elif not is_known or not is_time:
            faults.append(_("“%(team)s”: calls move on after 5 to 3600 seconds.") % name)
        elif queue["overflow"] == "team" and queue["overflow_team"] not in teams:
            faults.append(_("“%(team)s”: choose the team that helps out.") % name)
        elif queue["overflow"] == "team":
            onward[queue["team"]] = queue["overflow_team"]
    if len({queue["team"] for queue in queues}) != len(queues):
        faults.append(_("A team stands twice among the queues."))
    for first in onward:
        seen, at = {first}, onward[first]
        while at in onward and at not in seen:
            seen.add(at)
            at = onward[at]
        if at in seen:
            faults.append(_("“%(team)s”: waiting callers would be passed round in circles.") % {"team": teams[first]})
            break
    return faults
