"""Named states of the customers app."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict


class AlreadyErased(Conflict):
    """The person's data is gone; nothing can be written to the record any more."""

    code = "customer_erased"
    message = _("This customer's data has been erased. The record only keeps figures together.")


class IdentityTaken(Conflict):
    """The phone or address belongs to another customer."""

    code = "identity_taken"
    message = _("This contact belongs to another customer.")


class CannotMerge(Conflict):
    """These two records cannot be joined."""

    code = "cannot_merge_customers"
    message = _("These two records cannot be joined.")


class CannotUnmerge(Conflict):
    """This record cannot be taken out again."""

    code = "cannot_unmerge_customer"
    message = _("This record cannot be taken out again.")
