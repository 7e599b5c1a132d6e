"""Settings of the phone: lines with their secret, seats, what was set aside, the menu callers hear."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Staff
from accounts.permissions import Permission, StaffRequest, shop_scope, staff_page, team_scope
from accounts.selectors import active_teams, staff_with
from accounts.shops import shop_choices
from core.actors import Actor
from core.crypto import decrypt
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, numbered, on_newer, render_page
from tickets.calls_enums import OptionKind, PhoneEventState, Strategy
from tickets.calls_permissions import get_line_for, lines_visible_to
from tickets.forms.calls import LineForm, read_tree
from tickets.models import PhoneEvent, PhoneLine, PhoneSeat
from tickets.services.calls.lines import renew_secret, save_line
from tickets.services.calls.plans import KEYS, empty_tree, newest_plan, save_plan
from tickets.services.calls.receiving import count_refused
from tickets.services.calls.seats import save_seats

LIST, LINE, MENU = "tickets/calls/lines.html", "tickets/calls/line.html", "tickets/calls/menu.html"
# Five digits and more, whatever stands between them, also escaped ("\\u0031") or full-width; a moment in time stays.
_MOMENT = r"20\d\d-(?:0[1-9]|1[0-2])-[0-3]\dT[0-2]\d:[0-5]\d[\d:.]*(?:[+-]\d\d:\d\d)?"
_DIGIT = r"(?:\d|\\u(?:003\d|[fF]{2}1\d))"
_BETWEEN = r"(?:[^\w\"{}\[\]:\\]|_){0,3}"
_LONG_NUMBER = re.compile(rf"({_MOMENT})|{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{4,}}")


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def line_list(request: StaffRequest) -> HttpResponse:
    """List the lines and the seats."""
    return render_page(request, LIST, _overview(request))


def _people(request: StaffRequest) -> list[Staff]:
    people = staff_with(Permission.TICKET_REPLY)
    teams = team_scope(request.user)
    if teams is not None:
        people = people.filter(memberships__team_id__in=teams).distinct()
    return list(people[:300])


def _overview(request: StaffRequest, typed: dict[int, str] | None = None, faults: Any = None) -> dict[str, Any]:
    people = _people(request)
    known = dict(PhoneSeat.objects.filter(pk__in=[one.pk for one in people]).values_list("pk", "extension"))
    told, asked = faults or {}, typed or {}
    rows = [
        {
            "staff": one,
            "now": known.get(one.pk, ""),
            "extension": asked.get(one.pk, known.get(one.pk, "")),
            "faults": told.get(f"extension_{one.pk}", []),
        }
        for one in people
    ]
    return {"lines": list(lines_visible_to(request.user)), "people": rows}


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def seats(request: StaffRequest) -> HttpResponse:
    """Save whose desk each extension rings at."""
    typed = {pk: value[:40] for pk, value in numbered(request.POST, "extension_").items()}
    may = {one.pk for one in _people(request)}
    try:
        save_seats(extensions=typed, shown=numbered(request.POST, "was_"), may_touch=may)
    except InvalidInput as error:
        mine = {pk: value for pk, value in typed.items() if pk in may}
        return form_invalid(request, LIST, _overview(request, mine, error.fields))
    except StaleEdit as error:
        mine = {pk: value for pk, value in typed.items() if pk in may}
        names = {one.pk: one.display_name for one in _people(request)}
        changes = [
            {"label": names[one["field"]], "theirs": one["theirs"] or "–", "yours": one["yours"] or "–"}
            for one in error.changes
        ]
        return render_page(request, LIST, _overview(request, mine) | {"changes": changes}, status=409)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("tickets:settings_phone"))


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def line_new(request: StaffRequest) -> HttpResponse:
    """Add a line."""
    return _edit(request, None)


@staff_page(Permission.SETTINGS_MANAGE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def line_edit(request: StaffRequest, line_id: int) -> HttpResponse:
    """Show and save one line."""
    return _edit(request, get_line_for(request.user, line_id))


def _form(request: StaffRequest, line: PhoneLine | None, data: Any = None) -> LineForm:
    scope, teams = shop_scope(request.user), team_scope(request.user)
    shops = [(pk, name) for pk, name in shop_choices() if scope is None or pk in scope]
    offered = [(team.pk, team.name) for team in active_teams() if teams is None or team.pk in teams]
    if line is not None and line.team_id not in {pk for pk, _name in offered}:
        offered.append((line.team_id, line.team.name))
    initial = LineForm.initial_of(line) if line else {}
    return LineForm(data, shops=shops, teams=offered, all_shops=scope is None, initial=initial)


def _context(line: PhoneLine | None, form: LineForm, **more: Any) -> dict[str, Any]:
    context: dict[str, Any] = {"form": form, "line": line, **more}
    if line is not None:
        path = reverse("tickets:phone_hook", args=[line.key])
        context |= {
            "hook_url": settings.PUBLIC_URL.rstrip("/") + path,
            "plan_url": settings.PUBLIC_URL.rstrip("/") + reverse("tickets:phone_plan", args=[line.key]),
            "refused_today": count_refused(line.pk),
            "aside": _set_aside(line),
            "old_works": line.old_secret_until is not None and line.old_secret_until > timezone.now(),
        }
    return context


def hide_numbers(text: str) -> str:
    """Return a message with everything that could be a telephone number hidden."""
    return _LONG_NUMBER.sub(lambda found: found[1] or "*****", text)


def _set_aside(line: PhoneLine) -> list[dict[str, Any]]:
    """Return the newest messages nobody understood, long numbers in them hidden."""
    rows = PhoneEvent.objects.filter(line=line, state=PhoneEventState.REFUSED).order_by("-pk")[:20]
    return [{"event": row, "raw": hide_numbers(decrypt(row.body_enc))[:600] if row.body_enc else ""} for row in rows]


def _edit(request: StaffRequest, line: PhoneLine | None) -> HttpResponse:
    form = _form(request, line, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render_page(request, LINE, _context(line, form))
    if not form.is_valid():
        return form_invalid(request, LINE, _context(line, form))
    actor, at = Actor.staff(request.user), timezone.now()
    try:
        saved = save_line(
            line_id=line.pk if line else None, version=form.cleaned_data["version"], terms=form.terms(), actor=actor,
            at=at,
        )  # fmt: skip
    except InvalidInput as error:
        for name, texts in error.fields.items():
            for text in texts:
                form.add_error(name if name in form.fields else None, text)
        return form_invalid(request, LINE, _context(line, form))
    except StaleEdit:
        assert line is not None
        changes = on_newer(form, _form(request, PhoneLine.objects.get(pk=line.pk)).initial)
        return render_page(request, LINE, _context(line, form, changes=changes), status=409)
    if line is None:
        secret = renew_secret(line_id=saved.pk, actor=actor, at=at)
        saved.refresh_from_db()
        return render_page(request, LINE, _context(saved, _form(request, saved), secret=secret), status=201)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("tickets:settings_phone"))


@staff_page(Permission.SETTINGS_MANAGE)
@never_cache
@require_POST
def line_secret(request: StaffRequest, line_id: int) -> HttpResponse:
    """Make a new secret and show it this once; with `at_once` the one before ends now."""
    line = get_line_for(request.user, line_id)
    secret = renew_secret(
        line_id=line.pk, actor=Actor.staff(request.user), at=timezone.now(), keep_old="at_once" not in request.POST
    )
    line = get_line_for(request.user, line_id)
    return render_page(request, LINE, _context(line, _form(request, line), secret=secret))


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def line_menu(request: StaffRequest, line_id: int) -> HttpResponse:
    """Edit what callers hear and who gets their call; `add` gives a further menu, saved with the rest."""
    line = get_line_for(request.user, line_id)
    plan = newest_plan(line.pk)
    if request.method != "POST":
        tree, version = (plan.tree, plan.version) if plan else (empty_tree(), 0)
        return render_page(request, MENU, _menu(line, tree, version))
    tree = read_tree(request.POST)
    asked = request.POST.get("version", "")
    version = int(asked) if asked.isdecimal() and len(asked) < 9 else 0
    if "add" in request.POST:
        known = {menu["id"] for menu in tree["menus"]}
        name = next(f"m{n}" for n in range(1, 100) if f"m{n}" not in known)
        tree["menus"].append({"id": name, "zh": "", "en": "", "options": []})
        return render_page(request, MENU, _menu(line, tree, version, added=name))
    try:
        save_plan(line_id=line.pk, version=version, tree=tree, actor=Actor.staff(request.user), at=timezone.now())
    except InvalidInput as error:
        faults = error.fields.get("plan", [error.message])
        return form_invalid(request, MENU, _menu(line, tree, version, faults=faults))
    except StaleEdit as error:
        fresh = newest_plan(line.pk)
        context = _menu(line, tree, fresh.version if fresh else 0, stale=error.message)
        return render_page(request, MENU, context, status=409)
    messages.success(request, _("Saved. The PBX has it with its next look."))
    return HttpResponseRedirect(reverse("tickets:settings_phone_menu", args=[line.pk]))


def _menu(line: PhoneLine, tree: dict[str, Any], version: int, **more: Any) -> dict[str, Any]:
    teams = [(team.pk, team.name) for team in active_teams()]
    queues = {queue["team"]: queue for queue in tree["queues"]}
    menus = []
    for number, menu in enumerate(tree["menus"]):
        rows = [*menu["options"], *[{} for _n in range(max(1, 4 - len(menu["options"])))]][:12]
        menus.append({"number": number, "menu": menu, "rows": [_row(row) for row in rows]})
    return {
        "line": line, "tree": tree, "version": version, "menus": menus, "teams": teams, "keys": KEYS,
        "queues": [{"team": pk, "name": name, "queue": queues.get(pk, {}), "to": _overflow(queues.get(pk, {}))}
                   for pk, name in teams],
        "strategies": Strategy.choices,
        "targets": _targets(tree, teams),
        "calendar": line.calendar or line.team.calendar,
        **more,
    }  # fmt: skip


def _row(option: dict[str, Any]) -> dict[str, Any]:
    kind = option.get("kind", "")
    to = f"team:{option.get('team')}" if kind == OptionKind.TEAM else kind
    if kind == OptionKind.MENU:
        to = f"menu:{option.get('menu')}"
    return {**option, "to": to, "says": kind == OptionKind.MESSAGE}


def _overflow(queue: dict[str, Any]) -> str:
    kind = queue.get("overflow", "")
    return f"team:{queue.get('overflow_team')}" if kind == "team" else str(kind)


def _targets(tree: dict[str, Any], teams: list[tuple[int, str]]) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Return where a key can lead, in groups."""
    menus = [(f"menu:{menu['id']}", menu["zh"] or menu["id"]) for menu in tree["menus"][1:]]
    return [
        (_("To a team"), [(f"team:{pk}", name) for pk, name in teams]),
        *([(_("To a submenu"), menus)] if menus else []),
        (_("Otherwise"), [("call_back", OptionKind.CALL_BACK.label), ("message", OptionKind.MESSAGE.label)]),
    ]
