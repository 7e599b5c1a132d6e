"""/desk/area/answers/: what customers said about another department's area."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.http import render_page
from feedback.selectors.answers import spoken
from feedback.selectors.area import answers_of_area


@staff_page(Permission.AREA_VIEW)
@require_safe
def area_answers(request: StaffRequest) -> HttpResponse:
    """List the newest answers about tickets of the department's area; who answered is not named."""
    language = get_language() or ""
    rows = [{"answer": answer, "said": spoken(answer, language)} for answer in answers_of_area(request.user)[:50]]
    return render_page(request, "feedback/area.html", {"rows": rows})
