"""Named states of what is owed inside a ticket."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, TransitionNotAllowed


class TaskMovedOn(TransitionNotAllowed):
    """A colleague was quicker with a task."""

    code = "task_moved_on"
    message = _("A colleague was quicker with this task. Your text is kept; look at what is there now.")


class StepsLeft(TransitionNotAllowed):
    """Required steps of the service standard are not done; `steps` are their keys, the sentence names them."""

    code = "steps_left"
    message = _("Required steps are still open. Tick them off before you resolve the ticket.")


class DepartmentsOwe(TransitionNotAllowed):
    """Departments still work on the ticket."""

    code = "departments_owe"
    message = _("A department still works on this ticket. Wait for its answer, or withdraw the task first.")


class JointAnswered(Conflict):
    """A colleague has given the joint answer already."""

    code = "joint_answered"
    message = _("A colleague has answered the customer already. Your text is kept; look at the answer first.")
