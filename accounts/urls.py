"""Addresses of the accounts app; the sign-in ones stand before django-allauth's and carry its names."""

from django.urls import path, re_path

from accounts.views import capacity, keys, me, personal_data, sign_in, staff, teams

app_name = "accounts"

urlpatterns = [
    path("accounts/login/", sign_in.SignInView.as_view(), name="sign_in"),
    path("accounts/signup/", sign_in.closed, name="closed_signup"),
    path("accounts/email/", sign_in.closed, name="closed_email"),
    re_path(r"^accounts/confirm-email/", sign_in.closed, name="closed_confirm_email"),
    path("accounts/reauthenticate/", sign_in.ReauthenticateView.as_view(), name="reauthenticate"),
    path("accounts/password/change/", sign_in.PasswordChangeView.as_view(), name="password_change"),
    path("accounts/password/reset/", sign_in.PasswordResetView.as_view(), name="password_reset"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.PasswordResetFromKeyView.as_view(),
        name="password_reset_from_key",
    ),
    path("accounts/mfa/authenticate/", sign_in.SecondFactorView.as_view(), name="second_factor"),
    path("accounts/mfa/reauthenticate/", sign_in.SecondFactorAgainView.as_view(), name="second_factor_again"),
    path("accounts/mfa/totp/activate/", sign_in.SetUpSecondFactorView.as_view(), name="second_factor_set_up"),
    path("accounts/invitation/<str:token>/", sign_in.invitation, name="invitation"),
    path("accounts/me/", me.profile, name="profile"),
    path("accounts/me/sign-out-everywhere/", me.sign_out_everywhere, name="sign_out_everywhere"),
    path("accounts/sessions/", me.sessions, name="sessions"),
    path("accounts/presence/", me.presence, name="presence"),
    path("accounts/notifications/", me.notices, name="notices"),
    path("accounts/notifications/count/", me.notice_count, name="notice_count"),
    path("accounts/notifications/read/", me.read_all_notices, name="read_all_notices"),
    path("accounts/notifications/<int:notice_id>/open/", me.open_notice, name="open_notice"),
    path("desk/reveal/", personal_data.reveal, name="reveal"),
    path("settings/staff/", staff.staff_list, name="staff"),
    path("settings/staff/invite/", staff.invite, name="invite"),
    path("settings/staff/invitations/<int:invitation_id>/revoke/", staff.revoke_invitation, name="revoke_invitation"),
    path("settings/staff/<int:staff_id>/", staff.staff_edit, name="staff_edit"),
    path("settings/staff/<int:staff_id>/capacity/", capacity.set_capacity, name="capacity"),
    path("settings/staff/<int:staff_id>/deactivate/", staff.deactivate, name="deactivate"),
    path("settings/staff/<int:staff_id>/reactivate/", staff.reactivate, name="reactivate"),
    path("settings/staff/<int:staff_id>/sign-out/", staff.sign_out, name="sign_out"),
    path("settings/teams/", teams.team_list, name="teams"),
    path("settings/teams/new/", teams.team_new, name="team_new"),
    path("settings/teams/<int:team_id>/", teams.team_edit, name="team_edit"),
    path("settings/teams/<int:team_id>/archive/", teams.team_archive, name="team_archive"),
    path("settings/api-keys/", keys.api_keys, name="api_keys"),
    path("settings/api-keys/<int:key_id>/revoke/", keys.revoke_api_key, name="revoke_api_key"),
    path("settings/access-log/", personal_data.access_log, name="access_log"),
]
