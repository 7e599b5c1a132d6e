"""Addresses of the settings of outgoing webhooks."""

from django.urls import path

from notifications.views import webhooks

urlpatterns = [
    path("settings/webhooks/", webhooks.webhooks, name="webhooks"),
    path("settings/webhooks/new/", webhooks.webhook_new, name="webhook_new"),
    path("settings/webhooks/<int:webhook_id>/", webhooks.webhook, name="webhook"),
    path("settings/webhooks/<int:webhook_id>/test/", webhooks.webhook_test, name="webhook_test"),
    path("settings/webhooks/<int:webhook_id>/rotate/", webhooks.webhook_rotate, name="webhook_rotate"),
    path("settings/webhooks/<int:webhook_id>/state/", webhooks.webhook_state, name="webhook_state"),
    path("settings/webhooks/<int:webhook_id>/delete/", webhooks.webhook_delete, name="webhook_delete"),
    path("settings/webhooks/<int:webhook_id>/replay/", webhooks.webhook_replay, name="webhook_replay"),
    path("settings/webhooks/messages/<int:webhook_sent_id>/", webhooks.message, name="webhook_message"),
    path(
        "settings/webhooks/messages/<int:webhook_sent_id>/replay/",
        webhooks.message_replay,
        name="webhook_message_replay",
    ),
]
