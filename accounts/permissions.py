"""The doors: may this person do that, and which rows may they see."""

import copy
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts.enums import Permission, Reach
from accounts.errors import CompanyOnly
from accounts.models import ApiKey, Membership, Staff
from accounts.roles import permissions_of, reach_of
from core.errors import NotAllowed

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

__all__ = [
    "Permission", "StaffRequest", "company_page", "has", "keep_to_reading", "require", "sees_company", "sees_only_area",
    "shop_scope", "staff_page", "team_scope",
]  # fmt: skip


class StaffRequest(HttpRequest):
    """A request that passed `staff_page`: its user is a signed-in member of staff."""

    user: Staff
    htmx: "HtmxDetails"
    read_only_why: Promise


def permissions_for(user: Staff | AnonymousUser) -> frozenset[Permission]:
    """Return what this person may do, by the roles of the row as it was loaded for this request."""
    if not isinstance(user, Staff) or not user.is_active:
        return frozenset()
    return frozenset(Permission) if user.is_superuser else permissions_of(user.roles)


def has(user: Staff | AnonymousUser, permission: Permission) -> bool:
    """Tell whether this person holds the permission; anonymous and deactivated people hold none."""
    return permission in permissions_for(user)


def require(user: Staff | AnonymousUser, permission: Permission) -> None:
    """Raise NotAllowed unless this person holds the permission."""
    if not has(user, permission):
        raise NotAllowed(permission=str(permission))


def sees_company(staff: Staff) -> bool:
    """Tell whether a person answers for every team; what holds for all of them is hers to set."""
    return staff.is_superuser or reach_of(staff.roles) is Reach.COMPANY


def sees_only_area(who: Staff | ApiKey) -> bool:
    """Tell whether a person sees only what was handed to her department and its area."""
    return isinstance(who, Staff) and not who.is_superuser and reach_of(who.roles) is Reach.AREA


def _team_rows(staff: Staff) -> list[tuple[int, list[int]]]:
    """Read the person's teams once per loaded row, so once per request."""
    rows: list[tuple[int, list[int]]] | None = getattr(staff, "_team_rows", None)
    if rows is None:
        rows = list(
            Membership.objects.filter(staff_id=staff.pk, team__archived_at__isnull=True)
            .order_by("team_id")
            .values_list("team_id", "team__shop_ids")
        )
        staff.__dict__["_team_rows"] = rows
    return rows


def scope_key(staff: Staff) -> tuple[object, ...]:
    """Return what decides which rows a person sees besides who she is: people with equal keys see by one statement."""
    teams, shops = team_scope(staff), shop_scope(staff)
    scopes = (None if teams is None else tuple(teams), None if shops is None else tuple(shops))
    return staff.is_active, sees_only_area(staff), *scopes


def stand_in(staff: Staff, pk: int) -> Staff:
    """Return somebody who sees what this person sees, under another key; for writing statements, never for reading."""
    scope_key(staff)  # reads her teams, which the other one takes along
    other = copy.copy(staff)
    other.pk = pk
    return other


def team_scope(staff: Staff) -> list[int] | None:
    """Return the teams whose rows this person sees; None means every team, [] none."""
    if not staff.is_active:
        return []
    return None if sees_company(staff) else [team_id for team_id, _shops in _team_rows(staff)]


def shop_scope(who: Staff | ApiKey) -> list[int] | None:
    """Return the shops whose rows this person or key sees; None means every shop, [] none.

    A team without shops serves all of them. A person in no team sees no shop: leaving the last team
    must never widen what one sees.
    """
    if isinstance(who, ApiKey):
        return (sorted(who.shop_ids) or None) if who.is_live(timezone.now()) else []
    if not who.is_active:
        return []
    if sees_company(who):
        return None
    rows = _team_rows(who)
    if any(not shops for _team, shops in rows):
        return None
    return sorted({shop for _team, shops in rows for shop in shops})


def must_set_up_second_factor(staff: Staff) -> bool:
    """Tell whether one of the person's roles needs a second factor that is not set up yet."""
    if not set(settings.REQUIRE_MFA_ROLES) & set(staff.roles):
        return False
    from allauth.mfa.utils import is_mfa_enabled

    return not is_mfa_enabled(staff)


def page_around(request: HttpRequest) -> str:
    """Return the address of the page a fragment is asked for, without the site; empty when it is not told."""
    parts = urlsplit(request.headers.get("HX-Current-URL", ""))
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a stranger to the sign-in page and back afterwards; a fragment asks the browser to go there."""
    back = request.get_full_path()
    ended = {"ended": "1"} if getattr(request, "session_ended", False) else {}
    if request.headers.get("HX-Request") == "true":
        back = page_around(request) or "/desk/"
        to = f"{reverse('account_login')}?{urlencode({'next': back} | ended)}"
        return HttpResponse(status=401, headers={"HX-Redirect": to})
    if request.method not in {"GET", "HEAD"}:
        return redirect(f"{reverse('account_login')}{'?ended=1' if ended else ''}")
    return redirect(f"{reverse('account_login')}?{urlencode({'next': back} | ended)}")


type StaffView[**P] = Callable[Concatenate[StaffRequest, P], HttpResponse]


def staff_page[**P](permission: Permission | None = None) -> Callable[[StaffView[P]], Callable[..., HttpResponse]]:
    """Guard a view: signed in, second factor where the role needs one, and the permission.

    The permission stands on the view as `required_permission` for the URL × role test.
    """

    def decorate(view: StaffView[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not isinstance(request.user, Staff):
                # request.user is lazy: isinstance sees through it, and an anonymous user is no Staff
                return _to_sign_in(request)
            if must_set_up_second_factor(request.user) and not getattr(view, "before_second_factor", False):
                return redirect("mfa_activate_totp")
            if permission is not None:
                require(request.user, permission)
            return view(request, *args, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


READING = frozenset({"GET", "HEAD", "OPTIONS"})


def keep_to_reading(request: StaffRequest, error: NotAllowed) -> None:
    """Let the page be read, with the sentence why its fields are locked; refuse everything else with that error."""
    if request.method not in READING:
        raise error
    request.read_only_why = error.message


def company_page[**P](permission: Permission) -> Callable[[StaffView[P]], Callable[..., HttpResponse]]:
    """Guard a page whose rows hold for the whole company: read with the permission, changed with company reach."""

    def decorate(view: StaffView[P]) -> Callable[..., HttpResponse]:
        @staff_page(permission)
        @wraps(view)
        def guarded(request: StaffRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not sees_company(request.user):
                keep_to_reading(request, CompanyOnly())
            return view(request, *args, **kwargs)

        return guarded

    return decorate
