"""Who may see which visits and answers: those of the shops one serves."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import Staff
from accounts.permissions import Permission, has, require, shop_scope
from core.errors import NotFound
from feedback.models import Answer, Visit


def visits_visible_to(staff: Staff) -> QuerySet[Visit]:
    """Return the visits of the shops this person sees."""
    shops = shop_scope(staff)
    return Visit.objects.all() if shops is None else Visit.objects.filter(shop_id__in=shops)


def answers_visible_to(staff: Staff) -> QuerySet[Answer]:
    """Return the answers about the shops this person sees."""
    shops = shop_scope(staff)
    if shops is None:
        return Answer.objects.all()
    return Answer.objects.filter(Q(invitation__shop__isnull=True) | Q(invitation__shop_id__in=shops))


def get_visit_for(staff: Staff, visit_id: int, permission: Permission = Permission.VISIT_WORK) -> Visit:
    """Return a visit with all its page shows. Raises NotFound when invisible, NotAllowed without the right."""
    require(staff, permission)
    rows = visits_visible_to(staff).select_related("plan", "order", "customer", "shop", "agent", "recovery_ticket")
    visit = rows.filter(pk=visit_id).first()
    if visit is None:
        raise NotFound
    return visit


def get_answer_for(staff: Staff, answer_id: int, permission: Permission = Permission.SURVEY_VIEW) -> Answer:
    """Return an answer. Raises NotFound when invisible, NotAllowed without the right."""
    require(staff, permission)
    answer = answers_visible_to(staff).filter(pk=answer_id).first()
    if answer is None:
        raise NotFound
    return answer


def may_hear_visit(staff: Staff, visit_id: int | None) -> bool:
    """Say whether one may listen to a visit, or to the list (None)."""
    if not has(staff, Permission.VISIT_WORK):
        return False
    return visit_id is None or visits_visible_to(staff).filter(pk=visit_id).exists()


def may_hear_answers(staff: Staff, _id: int | None) -> bool:
    """Say whether one may listen to the list of answers."""
    return has(staff, Permission.SURVEY_VIEW)
