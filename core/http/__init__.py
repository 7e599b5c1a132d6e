"""Answer requests the same way everywhere: fragment or redirect, failed forms as 422, errors in the asker's shape."""

from core.http.answers import form_invalid, fragment_or_redirect, render_page, toast
from core.http.client import client_ip, client_place
from core.http.differing import differences, on_newer
from core.http.errors import render_error
from core.http.numbered import numbered
from core.http.seen import mark_of, was_seen

__all__ = [
    "client_ip",
    "client_place",
    "differences",
    "form_invalid",
    "fragment_or_redirect",
    "mark_of",
    "numbered",
    "on_newer",
    "render_error",
    "render_page",
    "toast",
    "was_seen",
]
