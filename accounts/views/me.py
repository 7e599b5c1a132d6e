"""A person's own pages: account, sessions, status, bell."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors, services
from accounts.adapter import is_local_path, remember_looks
from accounts.availability import LEAVING_CHECKS
from accounts.devices import device_words
from accounts.enums import PresenceStatus
from accounts.forms import ProfileForm, rebase
from accounts.notice_words import words_for
from accounts.permissions import StaffRequest, page_around, staff_page
from accounts.roles import ROLES
from accounts.third_party import keep_this_session
from core.errors import StaleEdit
from core.http import form_invalid, fragment_or_redirect, render_page


@staff_page()
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: StaffRequest) -> HttpResponse:
    """Show and save what a person decides about herself."""
    staff = request.user
    form = ProfileForm(request.POST or None, initial=ProfileForm.initial_of(staff))
    context = {
        "form": form,
        "roles": [ROLES[code] for code in staff.roles if code in ROLES],
        "teams": selectors.teams_of(staff),
        "second_factor": selectors.has_second_factor(staff),
        "session_count": len(selectors.sessions_of(staff)),
    }
    if request.method != "POST":
        return render_page(request, "accounts/profile.html", context)
    if not form.is_valid():
        return form_invalid(request, "accounts/profile.html", context)
    try:
        staff = services.edit_profile(staff_id=staff.pk, at=timezone.now(), **form.cleaned_data)
    except StaleEdit as error:
        context["stale"] = error
        rebase(form, selectors.get_staff(staff.pk).version)
        return render_page(request, "accounts/profile.html", context, status=409)
    response = fragment_or_redirect(
        request, "accounts/profile.html", context, fragment="profile-form", to="accounts:profile", message=_("Saved.")
    )
    remember_looks(response, staff)
    return response


@staff_page()
@require_http_methods(["GET", "HEAD"])
def sessions(request: StaffRequest) -> HttpResponse:
    """Show where the person is signed in, the newest first."""
    rows = [
        {
            "device": device_words(one.user_agent),
            "ip": one.ip,
            "created_at": one.created_at,
            "is_current": one.is_current(),
        }
        for one in selectors.sessions_of(request.user)
    ]
    return render_page(request, "usersessions/usersession_list.html", {"sessions": rows, "session_count": len(rows)})


@staff_page()
@require_POST
def sign_out_everywhere(request: StaffRequest) -> HttpResponse:
    """End all other sessions of the person, sockets too, and keep this one."""
    staff = services.end_own_other_sessions(staff_id=request.user.pk, at=timezone.now())
    keep_this_session(request, staff)
    return fragment_or_redirect(
        request,
        "accounts/profile.html",
        {"session_count": 1},
        fragment="sessions",
        to="accounts:profile",
        message=_("You are signed out everywhere else."),
    )


@staff_page()
@require_http_methods(["GET", "HEAD", "POST"])
def presence(request: StaffRequest) -> HttpResponse:
    """Show the person's own status (GET, the rail's part) or set it.

    Whoever goes off shift with work in hand hands it over first.
    """
    if request.method != "POST":
        return render_page(request, "desk/presence.html", {"here": page_around(request) or "/desk/"})
    status = request.POST.get("state", "")
    if status == PresenceStatus.OFFLINE:
        for check in LEAVING_CHECKS:
            if first := check(request.user):
                return HttpResponseRedirect(first)
    services.set_presence(staff_id=request.user.pk, status=status, at=timezone.now())
    return HttpResponseRedirect(back_to(request, "/desk/"))


@staff_page()
def notices(request: StaffRequest) -> HttpResponse:
    """Show the person's notification centre; as a fragment it is what the bell opens."""
    rows = [(notice, words_for(notice)) for notice in selectors.notices_of(request.user)]
    context = {"notices": rows, "unread": selectors.count_unread(request.user.pk)}
    return render_page(request, "accounts/notices.html", context, fragment="list")


@staff_page()
@require_GET
def notice_count(request: StaffRequest) -> HttpResponse:
    """Show the bell's number alone; the rail asks for it when a hint arrives."""
    return render_page(request, "desk/bell.html", {})


@staff_page()
@require_POST
def read_all_notices(request: StaffRequest) -> HttpResponse:
    """Mark what the person saw as read."""
    up_to = request.POST.get("up_to", "")
    if up_to.isdecimal() and len(up_to) < 19:
        services.mark_all_notices_read(staff_id=request.user.pk, up_to_id=int(up_to), at=timezone.now())
    rows = [(notice, words_for(notice)) for notice in selectors.notices_of(request.user)]
    context = {"notices": rows, "unread": selectors.count_unread(request.user.pk)}
    return fragment_or_redirect(request, "accounts/notices.html", context, fragment="list", to="accounts:notices")


@staff_page()
@require_POST
def open_notice(request: StaffRequest, notice_id: int) -> HttpResponse:
    """Mark one entry as read and go where it leads."""
    notice = services.mark_notice_read(notice_id=notice_id, staff_id=request.user.pk, at=timezone.now())
    to = notice.url if notice is not None and is_local_path(notice.url) else ""
    return HttpResponseRedirect(to or "/accounts/notifications/")


def back_to(request: HttpRequest, default: str) -> str:
    """Return the `next` of a form when it stays on this site."""
    wanted = request.POST.get("next", "")
    return wanted if is_local_path(wanted) else default
