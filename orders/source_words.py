"""Why a message of a shop's system was refused, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import Text
from orders.errors import PROBLEMS, Problem, say
from orders.models import InboundHook

_CODES: dict[str, Text] = {
    "hook_not_utf8": gettext_lazy("The text is not UTF-8."),
    "hook_not_json": gettext_lazy("This is not JSON."),
    "hook_not_object": gettext_lazy("The JSON is not an object."),
    "hook_too_deep": gettext_lazy("The JSON is nested too deeply."),
    "hook_of_unknown_type": gettext_lazy("This tells of nothing we take in: orders, shipments and refunds are."),
    "hook_topic_differs": gettext_lazy("The topic says something else than the content."),
    "hook_without_id": gettext_lazy("A number is missing by which the shop names things."),
    "hook_wrong_shape": gettext_lazy("A field has another form than the shop system documents."),
    "hook_not_amount": gettext_lazy("A field should be an amount and is none."),
    "hook_not_date": gettext_lazy("A field should be a date and time and is none."),
    "hook_without_data": gettext_lazy("The message has no data."),
    "hook_invalid": gettext_lazy("Fields of the message are missing or wrong."),
    "invalid_order": gettext_lazy("The order cannot be taken as it is."),
    "not_found": gettext_lazy("Nothing of ours fits what the message names."),
}


def reasons_of(hook: InboundHook) -> list[str]:
    """Return why a message was refused: the sentence, then each field with what is wrong with it."""
    if not hook.error_code:
        return []
    found = [str(_CODES.get(hook.error_code) or _("It could not be applied: %(code)s") % {"code": hook.error_code})]
    for field, code, params in hook.problems:
        if code in PROBLEMS:
            found.append(_("%(column)s: %(reason)s") % {"column": field, "reason": say(Problem(field, code, params))})
        elif field:
            found.append(_("Field: %(field)s") % {"field": field})
    return found
