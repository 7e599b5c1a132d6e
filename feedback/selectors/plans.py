"""Read the follow-up plans."""

from feedback.models import FollowUpPlan


def plans() -> list[FollowUpPlan]:
    """Return the plans, those in use first."""
    return list(FollowUpPlan.objects.select_related("shop").order_by("-is_active", "name", "pk"))


def get_plan(plan_id: int) -> FollowUpPlan | None:
    """Return one plan."""
    return FollowUpPlan.objects.select_related("shop").filter(pk=plan_id).first()
