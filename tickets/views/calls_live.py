"""The calls' own page: who waits, who is on the phone, whom to call back, what was said today."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.errors import InvalidInput
from core.http import render_page
from tickets.calls_enums import CallBackEnd
from tickets.calls_permissions import get_call_back_for
from tickets.selectors.call_plans import menu_words, seat_of
from tickets.selectors.calls import (
    LogFilter,
    call_backs,
    call_log,
    count_call_backs,
    number_key,
    seats,
    today_in_figures,
    waiting_by_queue,
)
from tickets.services.calls.call_backs import (
    claim_call_back,
    has_lapsed,
    note_try,
    release_call_back,
    solve_call_back,
)
from tickets.services.calls.dialing import line_to_dial
from tickets.views.calls import changed

PAGE = "tickets/calls/live.html"
TABS = ("log", "backs", "done")
ASKED = ("direction", "result", "agent", "key")
KEY = 65


@staff_page(Permission.TICKET_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def live(request: StaffRequest) -> HttpResponse:
    """Show the calls of one's teams as they are now, with today's log or the call-back list.

    What the log is narrowed to is posted: a number never stands in an address, only its keyed digest does.
    """
    if request.method == "POST":
        return HttpResponseRedirect(f"{request.path}?{urlencode({'tab': 'log', **_posted(request)})}")
    now = timezone.now()
    tab = request.GET.get("tab", "log")
    tab = tab if tab in TABS else "log"
    since = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    owed, late = count_call_backs(request.user, now)
    context: dict[str, Any] = {
        "now": now,
        "tab": tab,
        "tabs": _tabs(tab, owed, late),
        "waiting": waiting_by_queue(request.user, now),
        "seats": seats(request.user, now),
        "figures": today_in_figures(request.user, since=since),
        "here": request.get_full_path(),
        "may_reveal": has(request.user, Permission.PII_REVEAL),
        "may_listen": has(request.user, Permission.CALL_LISTEN),
        "may_act": has(request.user, Permission.TICKET_REPLY),
        "can_dial": seat_of(request.user.pk) is not None and line_to_dial(None) is not None,
        "ends": CallBackEnd.choices,
    }
    context |= _log(request, since) if tab == "log" else _backs(request, tab, now)
    return render_page(request, PAGE, context, fragment="page")


def _tabs(tab: str, owed: int, late: int) -> list[dict[str, Any]]:
    told = [("log", _("Calls today"), None), ("backs", _("To call back"), owed), ("done", _("Called back"), None)]
    return [
        {"label": label, "url": f"?tab={key}", "key": key, "active": key == tab, "count": count}
        for key, label, count in told
    ]


def _posted(request: StaffRequest) -> dict[str, str]:
    told = {name: request.POST.get(name, "").strip()[:KEY] for name in ASKED}
    told["key"] = number_key(request.POST.get("number", "")[:40]) or told["key"]
    return {name: value for name, value in told.items() if value}


def _log(request: StaffRequest, since: datetime) -> dict[str, Any]:
    asked = {name: request.GET.get(name, "").strip()[:KEY] for name in ASKED}
    wanted = LogFilter(
        direction=asked["direction"] if asked["direction"] in {"in", "out"} else "",
        result=asked["result"],
        agent_id=request.user.pk if asked["agent"] == "me" else None,
        key=asked["key"],
        before=_place(request.GET.get("before", "")),
    )
    rows, is_more = call_log(request.user, wanted, since=since)
    ways = menu_words(rows)
    kept = {name: value for name, value in asked.items() if value}
    next_url = ""
    if is_more:
        last = rows[-1]
        place = f"{int(last.started_at.timestamp() * 1_000_000)}.{last.pk}"
        next_url = "?" + urlencode({"tab": "log", **kept, "before": place})
    lines = [{"call": call, "menu": ways.get(call.pk, "")} for call in rows]
    return {"rows": lines, "next_url": next_url, "asked": asked, "is_filtered": bool(kept)}


def _place(text: str) -> tuple[datetime, int] | None:
    stamp, _dot, pk = text.partition(".")
    if not (stamp.isdecimal() and pk.isdecimal() and len(stamp) < 18 and len(pk) < 19):
        return None
    return datetime.fromtimestamp(int(stamp) / 1_000_000, tz=timezone.get_default_timezone()), int(pk)


def _backs(request: StaffRequest, tab: str, now: datetime) -> dict[str, Any]:
    rows = call_backs(request.user, is_done=tab == "done")
    lines = [
        {
            "entry": one,
            "is_mine": one.claimed_by_id == request.user.pk,
            "is_taken": one.claimed_by_id not in {None, request.user.pk} and not has_lapsed(one, now),
            "is_late": one.due_at < now,
        }
        for one in rows
    ]
    return {"backs": lines}


@staff_page(Permission.TICKET_REPLY)
@require_POST
def act_on_back(request: StaffRequest, call_back_id: int, act: str) -> HttpResponse:
    """Take a call-back in hand, put it back, count a try that reached nobody, or say that it is done and why."""
    entry = get_call_back_for(request.user, call_back_id)
    told: dict[str, Any] = {"call_back_id": entry.pk, "staff_id": request.user.pk, "at": timezone.now()}
    if act == "claim":
        claim_call_back(**told)
        words = _("It is yours now.")
    elif act == "release":
        release_call_back(**told)
        words = _("Back on the list for everybody.")
    elif act == "tried":
        note_try(**told)
        words = _("Noted: nobody answered.")
    elif act == "solve":
        solve_call_back(**told, end=request.POST.get("end", ""))
        words = _("Done.")
    else:
        raise InvalidInput
    return changed(request, words, f"{request.path.split('/back/')[0]}/?tab=backs")
