"""/me/: a customer's own orders and requests, opened by a one-time code. No password, no account, one browser."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import InvalidInput, NotFound, RateLimited, Unavailable
from core.http import client_place
from core.http.answers import private_page
from core.registry import front_links
from customers.forms import OwnCodeForm, OwnTargetForm
from customers.own_sections import own_sections
from customers.selectors.own import Proof, find_proof
from customers.services.codes import LIFE, check_code, open_code, request_code, takes_phones
from customers.services.own_sessions import LASTS, begin_own_session, end_own_session

ASK, CODE, PAGE = "customers/me/ask.html", "customers/me/code.html", "customers/me/page.html"
PURPOSE = "own_page"
SESSION, ASKER = "cs_me", "cs_me_asker"


@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """Show her own page; to others the question for a phone or an address, and owe the code."""
    proof = _proof(request)
    if request.method != "POST":
        return _show(request, proof) if proof else _ask(request, OwnTargetForm())
    form = OwnTargetForm(request.POST)
    if not form.is_valid():
        return _ask(request, form, status=422)
    try:
        asker = request_code(
            purpose=PURPOSE, target=form.cleaned_data["target"], asker=request.COOKIES.get(ASKER, "")[:64],
            place=client_place(request), language=get_language() or "zh-hans", at=timezone.now(),
        )  # fmt: skip
    except InvalidInput as error:
        form.add_error("target", [str(text) for text in error.fields["target"]])
        return _ask(request, form, status=422)
    except Unavailable as error:
        form.add_error("target", str(error.message))
        return _ask(request, form, status=422)
    except RateLimited as error:
        form.add_error(None, _("Too many codes were asked for. Please wait a little, then try again."))
        response = _ask(request, form, status=429, has_code=_waits(request))
        response["Retry-After"] = str(error.retry_after)
        return response
    response = _see(reverse("customers:me_code"))
    _keep(response, ASKER, asker, int(LIFE.total_seconds()))
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Take the code; a right one opens the page in this browser."""
    asker, at = request.COOKIES.get(ASKER, ""), timezone.now()
    waiting = open_code(purpose=PURPOSE, asker=asker, at=at) if asker else None
    if waiting is None:
        if request.method == "POST":
            return _ask(request, _over(), status=410)
        return _see(reverse("customers:me"))
    context = {"form": OwnCodeForm(), "hint": waiting.target_hint, "minutes": int(LIFE.total_seconds() // 60)}
    if request.method != "POST":
        return private_page(render(request, CODE, context))
    form = OwnCodeForm(request.POST)
    if form.is_valid():
        identity = check_code(purpose=PURPOSE, asker=asker, code=form.cleaned_data["code"], at=at)
        if identity is not None:
            response = _see(reverse("customers:me"))
            token = begin_own_session(identity=identity, at=at)
            _keep(response, SESSION, token, int(LASTS.total_seconds()))
            response.delete_cookie(ASKER, path=reverse("customers:me"))
            return response
        if open_code(purpose=PURPOSE, asker=asker, at=at) is None:
            return _ask(request, _over(), status=410)
        form.add_error("code", _("This is not the code we sent last. Please look again."))
    return private_page(render(request, CODE, context | {"form": form}, status=422))


@require_safe
def thing(request: HttpRequest, section: str, pk: int) -> HttpResponse:
    """Lead to one thing of hers; what is not hers does not exist."""
    proof = _proof(request)
    if proof is None:
        return _see(reverse("customers:me"))
    chosen = next((one for one in own_sections() if one.key == section), None)
    url = chosen.url(proof, pk) if chosen else ""
    if not url:
        raise NotFound
    return _see(url)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Close the page in this browser."""
    end_own_session(token=request.COOKIES.get(SESSION, ""), at=timezone.now())
    response = _see(reverse("customers:me"))
    response.delete_cookie(SESSION, path=reverse("customers:me"))
    return response


def _proof(request: HttpRequest) -> Proof | None:
    token = request.COOKIES.get(SESSION, "")
    return find_proof(token, timezone.now()) if token else None


def _show(request: HttpRequest, proof: Proof) -> HttpResponse:
    parts = [{"section": one, "rows": one.rows(proof)} for one in own_sections()]
    context = {
        "parts": parts, "contact": proof.hint, "hours": int(LASTS.total_seconds() // 3600),
        "links": front_links(but="me"),
    }  # fmt: skip
    return private_page(render(request, PAGE, context))


def _waits(request: HttpRequest) -> bool:
    """Tell whether a code is on its way to this browser's owner that she can still enter."""
    asker = request.COOKIES.get(ASKER, "")
    return bool(asker) and open_code(purpose=PURPOSE, asker=asker, at=timezone.now()) is not None


def _ask(request: HttpRequest, form: OwnTargetForm, *, status: int = 200, has_code: bool = False) -> HttpResponse:
    context = {
        "form": form,
        "has_code": has_code,
        "links": front_links(but="me"),
        "takes_phones": takes_phones(get_language() or "zh-hans"),
    }
    return private_page(render(request, ASK, context, status=status))


def _over() -> OwnTargetForm:
    """Return the first step with the reason why it begins anew."""
    form = OwnTargetForm({"target": ""})
    form.errors.clear()
    form.add_error(None, _("This code does not work any more. Ask for a new one."))
    return form


def _see(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return private_page(response)


def _keep(response: HttpResponse, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path=reverse("customers:me"), httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
