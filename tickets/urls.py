"""Addresses of the desk, of tickets' settings pages and of what customers see of tickets."""

from django.urls import path

from tickets.urls_public import urlpatterns as public_urls
from tickets.views import desk, desk_actions, desk_bulk, desk_compose, desk_search, settings

app_name = "tickets"
urlpatterns = [
    *public_urls,
    path("desk/", desk.desk, name="desk"),
    path("desk/views/", desk.view_list, name="views"),
    path("desk/list/", desk.ticket_list, name="list"),
    path("desk/bulk/", desk_bulk.act_on_many, name="bulk"),
    path("desk/bulk/undo/<str:token>/", desk_bulk.undo_assign, name="bulk_undo"),
    path("desk/after-resolve/", desk.remember_next, name="remember_next"),
    path("desk/search/", desk_search.search, name="search"),
    path("desk/palette/", desk_search.palette, name="palette"),
    path("desk/canned/<int:reply_id>/used/", desk_compose.used_canned, name="canned_used"),
    path("desk/t/<int:ticket_id>/", desk.ticket, name="ticket"),
    path("desk/t/<int:ticket_id>/head/", desk.head, name="head"),
    path("desk/t/<int:ticket_id>/stream/", desk.stream, name="stream"),
    path("desk/t/<int:ticket_id>/context/", desk.context_panel, name="context"),
    path("desk/t/<int:ticket_id>/here/", desk.here, name="here"),
    path("desk/t/<int:ticket_id>/reply/", desk_compose.reply, name="reply"),
    path("desk/t/<int:ticket_id>/draft/", desk_compose.draft, name="draft"),
    path("desk/t/<int:ticket_id>/upload/", desk_compose.upload, name="upload"),
    path("desk/t/<int:ticket_id>/canned/", desk_compose.canned, name="canned"),
    path("desk/t/<int:ticket_id>/assign/", desk_actions.assign, name="assign"),
    path("desk/t/<int:ticket_id>/status/", desk_actions.change_status, name="status"),
    path("desk/t/<int:ticket_id>/resolve/", desk_actions.resolve, name="resolve"),
    path("desk/t/<int:ticket_id>/reopen/", desk_actions.reopen, name="reopen"),
    path("desk/t/<int:ticket_id>/category/", desk_actions.categorise, name="category"),
    path("desk/t/<int:ticket_id>/priority/", desk_actions.prioritise, name="priority"),
    path("desk/t/<int:ticket_id>/spam/", desk_actions.mark_spam, name="spam"),
    path("desk/t/<int:ticket_id>/order/", desk_actions.connect_order, name="order"),
    path("settings/canned/", settings.canned_list, name="settings_canned"),
    path("settings/canned/new/", settings.canned_edit, name="settings_canned_new"),
    path("settings/canned/<int:pk>/", settings.canned_edit, name="settings_canned_edit"),
    path("settings/canned/preview/", settings.canned_preview, name="settings_canned_preview"),
    path("settings/categories/", settings.category_list, name="settings_categories"),
    path("settings/categories/new/", settings.category_edit, name="settings_category_new"),
    path("settings/categories/<int:pk>/", settings.category_edit, name="settings_category_edit"),
    path("settings/sla/", settings.policy_list, name="settings_sla"),
    path("settings/sla/new/", settings.policy_edit, name="settings_sla_new"),
    path("settings/sla/<int:pk>/", settings.policy_edit, name="settings_sla_edit"),
    path("settings/blocked/", settings.blocked_list, name="settings_blocked"),
    path("settings/blocked/<int:pk>/remove/", settings.blocked_remove, name="settings_blocked_remove"),
]
