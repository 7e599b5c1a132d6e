"""Addresses of the phone channel: the PBX's doors, the desk, settings; joined into the app's."""

from django.urls import path

from tickets.views import calls, calls_hooks, calls_live, calls_panels, calls_settings

urlpatterns = [
    path("hooks/phone/<str:key>/", calls_hooks.call_hook, name="phone_hook"),
    path("hooks/phone/<str:key>/plan/", calls_hooks.call_plan, name="phone_plan"),
    path("desk/calls/", calls_live.live, name="calls"),
    path("desk/calls/cards/", calls.cards, name="call_cards"),
    path("desk/calls/dial/", calls.dial_number, name="dial"),
    path("desk/calls/<int:call_id>/join/", calls.join, name="call_join"),
    path("desk/calls/<int:call_id>/order/", calls.find_order, name="call_order"),
    path("desk/calls/<int:call_id>/wrap-up/", calls.wrap_up, name="call_wrap_up"),
    path("desk/calls/<int:call_id>/recording/", calls.recording, name="call_recording"),
    path("desk/calls/back/<int:call_back_id>/<slug:act>/", calls_live.act_on_back, name="call_back_act"),
    path("desk/t/<int:ticket_id>/calls/", calls_panels.calls_of_ticket, name="ticket_calls"),
    path("desk/customers/<int:customer_id>/calls/", calls_panels.calls_of_customer, name="customer_calls"),
    path("settings/phone/", calls_settings.line_list, name="settings_phone"),
    path("settings/phone/seats/", calls_settings.seats, name="settings_phone_seats"),
    path("settings/phone/new/", calls_settings.line_new, name="settings_phone_new"),
    path("settings/phone/<int:line_id>/", calls_settings.line_edit, name="settings_phone_line"),
    path("settings/phone/<int:line_id>/secret/", calls_settings.line_secret, name="settings_phone_secret"),
    path("settings/phone/<int:line_id>/menu/", calls_settings.line_menu, name="settings_phone_menu"),
]
