"""The wizard's pages. The first step needs the set-up link bin/up prints, the others a signed-in administrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import EmailTaken
from accounts.models import Staff, Team
from accounts.permissions import Permission, require
from accounts.roles import ROLES
from accounts.services.invitations import invite_staff
from accounts.services.staff import StaffDraft, create_staff
from accounts.services.teams import create_team
from core.actors import SYSTEM, Actor
from core.calendar.services import CalendarInput, save_calendar
from core.crypto import same, short_mac
from core.errors import DomainError, InvalidInput, NotFound, NotSignedIn
from core.models import Company
from core.services import STEPS, reach_step, save_company
from cs_portal.welcome.forms import CalendarForm, CompanyForm, MailboxForm, ShopForm, StaffForm
from notifications.services.mailboxes import MailboxDraft, create_mailbox, test_mailbox
from orders.models import Shop
from orders.services.shops import ShopDraft, save_shop

WEEKDAYS = [["09:00", "18:00"]]
ALL_DAY = [["00:00", "24:00"]]


def setup_key() -> str:
    """Return the key of the set-up link; it proves that the visitor reads the server's terminal."""
    return short_mac("first-run", "welcome")


@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Show and take the step that is next."""
    company = Company.objects.filter(pk=1).first()
    if company is not None and company.set_up_at is not None:
        return redirect("/")
    step = company.setup_step if company else "company"
    if step == "company" or not Staff.objects.exists():
        _check_key(request)
    else:
        if not request.user.is_authenticated:
            return redirect("/accounts/login/?next=/welcome/")
        require(request.user, Permission.SETTINGS_MANAGE)
    form = _form(request, step, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if request.POST.get("skip") and step in {"mailbox", "staff"}:
            reach_step(step=STEPS[STEPS.index(step) + 1], at=timezone.now())
            return redirect("welcome")
        if form.is_valid() and _take(request, step, form):
            return redirect("welcome" if step != "calendar" else "/desk/")
    return render(
        request,
        "welcome/step.html",
        {"form": form, "step": step, "steps": _steps(step), "can_skip": step in {"mailbox", "staff"}},
        status=422 if request.method == "POST" else 200,
    )


def _check_key(request: HttpRequest) -> None:
    given = request.GET.get("key", "") or request.session.get("setup_key", "")
    if not same(given, setup_key()):
        raise NotFound(_("Open the set-up link that the start command printed; it ends with a key."))
    request.session["setup_key"] = given


def _form(request: HttpRequest, step: str, data: Any) -> Form:
    if step == "company":
        return CompanyForm(data, initial={"timezone": "Asia/Shanghai", "language": get_language()})
    if step == "shop":
        return ShopForm(data)
    if step == "mailbox":
        return MailboxForm(data, initial={"test_to": getattr(request.user, "email", "")})
    if step == "staff":
        return StaffForm(data, roles=[(code, role.title) for code, role in ROLES.items()])
    return CalendarForm(data)


def _take(request: HttpRequest, step: str, form: Form) -> bool:
    """Do one step; False leaves the form on screen with its errors."""
    takers: dict[str, Callable[[HttpRequest, Any], bool]] = {
        "company": _take_company,
        "shop": _take_shop,
        "mailbox": _take_mailbox,
        "staff": _take_staff,
        "calendar": _take_calendar,
    }
    try:
        return takers[step](request, form)
    except InvalidInput as error:
        for name, texts in error.fields.items():
            for text in texts:
                form.add_error(name if name in form.fields else None, ValidationError(str(text)))
        if not error.fields:
            form.add_error(None, str(error.message))
    except DomainError as error:
        form.add_error(None, str(error.message))
    return False


def _take_company(request: HttpRequest, form: CompanyForm) -> bool:
    data, now = form.cleaned_data, timezone.now()
    staff = Staff.objects.filter(email=data["email"].lower()).first()
    if staff is None:
        if Staff.objects.exists():
            raise NotSignedIn
        try:
            staff = create_staff(
                email=data["email"],
                password=data["password"],
                draft=StaffDraft(display_name=data["name"], roles=("admin",)),
                language=data["language"],
                actor=SYSTEM,
                at=now,
            )
        except EmailTaken as error:
            form.add_error("email", str(error.message))
            return False
    save_company(name=data["company"], timezone=data["timezone"], language=data["language"], version=None, at=now)
    reach_step(step="shop", at=now)
    login(request, staff, backend=settings.AUTHENTICATION_BACKENDS[0])
    return True


def _take_shop(request: HttpRequest, form: ShopForm) -> bool:
    data, now = form.cleaned_data, timezone.now()
    company = Company.objects.get(pk=1)
    save_shop(
        shop_id=None,
        version=None,
        draft=ShopDraft(
            code=data["code"],
            name=data["name"],
            currency=data["currency"],
            color=data["color"],
            timezone=company.timezone,
            language=company.language,
        ),
        actor=Actor.staff(request.user),
        at=now,
    )
    if not Team.objects.exists():
        create_team(name=_("Customer service"), shop_ids=[], actor=Actor.staff(request.user), at=now)
    reach_step(step="mailbox", at=now)
    return True


def _take_mailbox(request: HttpRequest, form: MailboxForm) -> bool:
    """Make the mailbox; when a test was asked for, a failure is shown and the step stays."""
    data, now, actor = form.cleaned_data, timezone.now(), Actor.staff(request.user)
    from notifications.models import Mailbox

    box = Mailbox.objects.filter(address=data["address"].lower()).first()
    if box is None:
        shop = Shop.objects.order_by("id").first()
        box = create_mailbox(
            draft=MailboxDraft(
                address=data["address"].lower(),
                name_zh=data["name"],
                name_en=data["name"],
                shop_id=shop.pk if shop else None,
                is_default=True,
            ),
            actor=actor,
            at=now,
        )
    if data["test_to"]:
        outcome = test_mailbox(
            mailbox_id=box.pk, to=data["test_to"], actor=actor, language=get_language() or "zh-hans", at=now
        )
        if not outcome.is_accepted:
            form.add_error(
                "test_to",
                _(
                    "The mail server did not take the test (%(code)s). The mailbox is saved; mend the server's settings"
                    " and try again, or go on without a test."
                )
                % {"code": outcome.code},
            )
            return False
    reach_step(step="staff", at=now)
    return True


def _take_staff(request: HttpRequest, form: StaffForm) -> bool:
    now, actor = timezone.now(), Actor.staff(request.user)
    for email in form.cleaned_data["emails"]:
        try:
            invite_staff(
                email=email,
                roles=[form.cleaned_data["role"]],
                team_ids=list(Team.objects.order_by("id").values_list("pk", flat=True)[:1]),
                language=get_language() or "zh-hans",
                actor=actor,
                at=now,
            )
        except EmailTaken:
            continue  # invited or employed already: what was wanted is so
    reach_step(step="calendar", at=now)
    return True


def _take_calendar(request: HttpRequest, form: CalendarForm) -> bool:
    data, now = form.cleaned_data, timezone.now()
    weekly = {
        "office": [WEEKDAYS] * 5 + [[], []],
        "shop": [[["09:00", "21:00"]]] * 7,
        "always": [ALL_DAY] * 7,
    }[data["preset"]]
    save_calendar(
        values=CalendarInput(
            name=_("Working hours"),
            timezone=Company.objects.get(pk=1).timezone,
            weekly=weekly,
            holidays_country="CN" if data["holidays"] else "",
            is_default=True,
        ),
        actor=Actor.staff(request.user),
        at=now,
    )
    reach_step(step="done", at=now)
    return True


def _steps(step: str) -> list[dict[str, Any]]:
    labels = [_("Company"), _("Shop"), _("Mailbox"), _("Staff"), _("Working hours")]
    position = STEPS.index(step)
    return [
        {"label": label, "state": "done" if n < position else "now" if n == position else "next"}
        for n, label in enumerate(labels)
    ]
