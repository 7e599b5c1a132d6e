from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, Expired, InvalidInput, NotAllowed


class LastAdministrator(Conflict):
    """Nobody would be left who can manage the rest."""

    code = "last_administrator"
    message = _("This is the last administrator. Make somebody else administrator first.")


class RoleAboveOwn(NotAllowed):
    """A person may hand out only what she holds herself."""

    code = "role_above_own"
    message = _("You can only give or take roles whose rights you hold yourself.")


class CompanyOnly(NotAllowed):
    """What holds for every team is set by those who answer for all of them."""

    code = "company_only"
    message = _("This holds for the whole company. You can read it; a manager or an administrator can change it.")


class OtherTeamOnly(NotAllowed):
    """What holds for a team is set by those who answer for it."""

    code = "other_team_only"
    message = _("This belongs to a team that is not yours. You can read it; its supervisor or a manager can change it.")


class OwnAccount(Conflict):
    """What one may do to others but not to oneself."""

    code = "own_account"
    message = _("You cannot do this to your own account. Ask another administrator.")


class InvitationDead(Expired):
    """The invitation was used, withdrawn or has run out."""

    code = "invitation_dead"
    message = _("This invitation is no longer valid. Ask the person who invited you to send a new one.")


class EmailTaken(InvalidInput):
    """Somebody works here with this address already."""

    code = "email_taken"
    message = _("Somebody already works here with this email address.")
