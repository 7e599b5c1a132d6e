"""Staff settings: who works here, what they may do, who is invited."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors, services
from accounts.forms import DeactivateForm, InviteForm, StaffForm, rebase
from accounts.mails import invitation_url
from accounts.models import Staff
from accounts.permissions import Permission, StaffRequest, has, permissions_for, staff_page
from accounts.roles import ROLES, permissions_of
from accounts.views.capacity import capacity_form
from core.actors import Actor
from core.errors import DomainError, InvalidInput, StaleEdit
from core.http import form_invalid, fragment_or_redirect, render_page


def _roles_for(giver: Staff) -> list[Any]:
    own = permissions_for(giver)
    return [role for role in ROLES.values() if role.permissions <= own]


@staff_page(Permission.STAFF_VIEW)
@require_GET
def staff_list(request: StaffRequest) -> HttpResponse:
    """List who works here, and who is invited."""
    state = request.GET.get("state", "active")
    state = state if state in {"active", "closed"} else "active"
    query = request.GET.get("q", "").strip()[:80]
    people = [
        {"staff": one, "roles": [ROLES[code].title for code in one.roles if code in ROLES]}
        for one in selectors.staff_list(query=query, state=state)
    ]
    may_manage = has(request.user, Permission.STAFF_MANAGE)
    invitations = list(selectors.open_invitations()) if may_manage and state == "active" else []
    context = {
        "people": people,
        "invitations": invitations,
        "state": state,
        "query": query,
        "may_manage": may_manage,
        "now": timezone.now(),
    }
    return render_page(request, "accounts/staff_list.html", context, fragment="people")


@staff_page(Permission.STAFF_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: StaffRequest) -> HttpResponse:
    """Invite somebody; the link is shown once as well, for when mail is not set up yet."""
    form = InviteForm(request.POST or None, giver=request.user)
    context = {"form": form, "roles": _roles_for(request.user)}
    if request.method != "POST":
        return render_page(request, "accounts/invite.html", context)
    if not form.is_valid():
        return form_invalid(request, "accounts/invite.html", context, fragment="form")
    data = form.cleaned_data
    try:
        invitation, token = services.invite_staff(
            email=data["email"],
            roles=data["roles"],
            team_ids=data["teams"],
            language=data["language"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, "accounts/invite.html", context, fragment="form")
    context = {"invitation": invitation, "url": invitation_url(token)}
    return render_page(request, "accounts/invited.html", context)


@staff_page(Permission.STAFF_MANAGE)
@require_POST
def revoke_invitation(request: StaffRequest, invitation_id: int) -> HttpResponse:
    """Withdraw an invitation."""
    services.revoke_invitation(invitation_id=invitation_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The invitation is withdrawn."))
    return HttpResponseRedirect(reverse("accounts:staff"))


def _page(request: StaffRequest, staff: Staff, form: StaffForm, **more: Any) -> dict[str, Any]:
    may_change = permissions_of(staff.roles) <= permissions_for(request.user)
    return {
        "person": staff,
        "form": form,
        "roles": _roles_for(request.user),
        "chosen_roles": form["roles"].value() or [],
        "own_roles": [ROLES[code] for code in staff.roles if code in ROLES],
        "may_change": may_change and staff.is_active,
        "may_close": may_change and staff != request.user,
        "capacity": capacity_form(staff) if may_change and staff.is_active else None,
        "deactivate": DeactivateForm(staff=staff) if may_change and staff.is_active else None,
        "second_factor": selectors.has_second_factor(staff),
        **more,
    }


def _fresh_page(request: StaffRequest, staff_id: int) -> dict[str, Any]:
    staff = selectors.get_staff(staff_id)
    return _page(request, staff, StaffForm(giver=request.user, initial=StaffForm.initial_of(staff)))


@staff_page(Permission.STAFF_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def staff_edit(request: StaffRequest, staff_id: int) -> HttpResponse:
    """Show and save what an administrator decides about somebody."""
    staff = selectors.get_staff(staff_id)
    form = StaffForm(request.POST or None, giver=request.user, initial=StaffForm.initial_of(staff))
    if request.method != "POST":
        return render_page(request, "accounts/staff_edit.html", _page(request, staff, form))
    if not form.is_valid():
        return form_invalid(request, "accounts/staff_edit.html", _page(request, staff, form), fragment="form")
    try:
        services.edit_staff(
            staff_id=staff_id,
            version=form.cleaned_data["version"],
            draft=form.draft(),
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit as error:
        fresh = selectors.get_staff(staff_id)
        rebase(form, fresh.version)
        context = _page(request, fresh, form, stale=error)
        return render_page(request, "accounts/staff_edit.html", context, fragment="form", status=409)
    except DomainError as error:
        add_errors(form, error)
        return form_invalid(request, "accounts/staff_edit.html", _page(request, staff, form), fragment="form")
    return fragment_or_redirect(
        request,
        "accounts/staff_edit.html",
        _fresh_page(request, staff_id),
        fragment="form",
        to="accounts:staff_edit",
        args=(staff_id,),
        message=_("Saved. It counts from the next page %(name)s opens.") % {"name": staff.display_name},
    )


@staff_page(Permission.STAFF_MANAGE)
@require_POST
def deactivate(request: StaffRequest, staff_id: int) -> HttpResponse:
    """Close an account and hand the open work over."""
    staff = selectors.get_staff(staff_id)
    form = DeactivateForm(request.POST, staff=staff)
    if not form.is_valid():
        raise InvalidInput(fields={"successor": [_("Choose who takes over the open work.")]})
    services.deactivate_staff(staff_id=staff_id, actor=Actor.staff(request.user), at=timezone.now(), **form.target())
    return _done(request, staff_id, _("The account is closed and signed out everywhere."))


@staff_page(Permission.STAFF_MANAGE)
@require_POST
def reactivate(request: StaffRequest, staff_id: int) -> HttpResponse:
    """Open a closed account again."""
    services.reactivate_staff(staff_id=staff_id, actor=Actor.staff(request.user), at=timezone.now())
    return _done(request, staff_id, _("The account is open again."))


@staff_page(Permission.STAFF_MANAGE)
@require_POST
def sign_out(request: StaffRequest, staff_id: int) -> HttpResponse:
    """Sign somebody out everywhere."""
    services.end_sessions(staff_id=selectors.get_staff(staff_id).pk, actor=Actor.staff(request.user), at=timezone.now())
    return _done(request, staff_id, _("Signed out everywhere."))


def _done(request: StaffRequest, staff_id: int, message: str) -> HttpResponse:
    messages.success(request, message)
    url = reverse("accounts:staff_edit", args=[staff_id])
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def add_errors(form: Any, error: DomainError) -> None:
    """Put a service's refusal beside the fields it is about."""
    fields = error.fields if isinstance(error, InvalidInput) else {}
    for name, texts in fields.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
    if not fields:
        form.add_error(None, str(error))
