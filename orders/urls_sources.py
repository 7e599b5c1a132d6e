"""Addresses of connections to shop systems and of their messages."""

from django.urls import path

from orders.views import sources

urlpatterns = [
    path("settings/order-sources/", sources.source_list, name="sources"),
    path("settings/order-sources/new/", sources.source_new, name="source_new"),
    path("settings/order-sources/<int:connection_id>/", sources.source_edit, name="source_edit"),
    path("settings/order-sources/carriers/<int:name_id>/", sources.match_name, name="match_name"),
    path("settings/order-sources/messages/", sources.message_list, name="messages"),
    path("settings/order-sources/messages/<int:hook_id>/replay/", sources.replay, name="message_replay"),
]
