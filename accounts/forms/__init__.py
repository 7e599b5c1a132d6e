from accounts.forms.keys import ApiKeyForm, RevealForm
from accounts.forms.sign_in import (
    AcceptInvitationForm,
    ForgottenPasswordForm,
    SecondFactorAgainForm,
    SecondFactorForm,
    SetUpSecondFactorForm,
)
from accounts.forms.staff import DeactivateForm, InviteForm, ProfileForm, StaffForm, TeamForm, rebase

__all__ = [
    "AcceptInvitationForm",
    "ApiKeyForm",
    "DeactivateForm",
    "ForgottenPasswordForm",
    "InviteForm",
    "ProfileForm",
    "RevealForm",
    "SecondFactorAgainForm",
    "SecondFactorForm",
    "SetUpSecondFactorForm",
    "StaffForm",
    "TeamForm",
    "rebase",
]
