"""Every write of the accounts app, by noun; import from here."""

from accounts.services.access import record_access
from accounts.services.api_keys import create_api_key, revoke_api_key, touch_api_key
from accounts.services.capacity import set_capacity
from accounts.services.invitations import accept_invitation, invite_staff, revoke_invitation
from accounts.services.list_filters import drop_list_filter, keep_list_filter
from accounts.services.notices import mark_all_notices_read, mark_notice_read, notify
from accounts.services.preferences import save_preference
from accounts.services.presence import begin_shift, lock_presence, mark_absent, set_presence, touch_presence
from accounts.services.sessions import change_password, end_own_other_sessions, end_sessions, note_second_factor_change
from accounts.services.staff import create_staff, deactivate_staff, edit_profile, edit_staff, reactivate_staff
from accounts.services.teams import archive_team, create_team, edit_team, set_team_leads

__all__ = [
    "accept_invitation",
    "archive_team",
    "begin_shift",
    "change_password",
    "create_api_key",
    "create_staff",
    "create_team",
    "deactivate_staff",
    "drop_list_filter",
    "edit_profile",
    "edit_staff",
    "edit_team",
    "end_own_other_sessions",
    "end_sessions",
    "invite_staff",
    "keep_list_filter",
    "lock_presence",
    "mark_absent",
    "mark_all_notices_read",
    "mark_notice_read",
    "note_second_factor_change",
    "notify",
    "reactivate_staff",
    "record_access",
    "revoke_api_key",
    "revoke_invitation",
    "save_preference",
    "set_capacity",
    "set_presence",
    "set_team_leads",
    "touch_api_key",
    "touch_presence",
]
