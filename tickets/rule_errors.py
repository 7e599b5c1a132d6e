"""Named states a rule meets: why one of its actions was not done."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict


class ReplyGone(Conflict):
    """The canned reply a rule sends is no longer in use."""

    code = "reply_gone"
    message = _("The canned reply is no longer there.")


class AnswerIncomplete(Conflict):
    """A variable of the canned reply stands for nothing in this ticket; `names` are the variables."""

    code = "answer_incomplete"
    message = _("The canned reply has variables without a value here.")


class TooManyAnswers(Conflict):
    """A ticket got several automatic answers since a person last answered."""

    code = "too_many_answers"
    message = _("This ticket got several automatic answers in a day already.")


class NobodyToTell(Conflict):
    """Whom the rule tells is nobody now."""

    code = "nobody_to_tell"
    message = _("There is nobody to tell.")


class SomethingBroke(Conflict):
    """An action failed in a way nobody foresaw; the log of the system has more."""

    code = "something_broke"
    message = _("Something unexpected went wrong. The administrators see it in the system's log.")
