"""Addresses of the notifications app."""

from django.urls import path

from notifications.urls_webhooks import urlpatterns as webhook_urls
from notifications.views import channels, deliveries, gateway, hooks, mailboxes, templates, unsubscribing, viewer

app_name = "notifications"

urlpatterns = [
    *webhook_urls,
    path("u/<str:token>/", unsubscribing.unsubscribe, name="unsubscribe"),
    path("settings/mailboxes/", mailboxes.mailboxes, name="mailboxes"),
    path("settings/mailboxes/new/", mailboxes.mailbox_new, name="mailbox_new"),
    path("settings/mailboxes/<int:mailbox_id>/", mailboxes.mailbox, name="mailbox"),
    path("settings/mailboxes/<int:mailbox_id>/test/", mailboxes.mailbox_test, name="mailbox_test"),
    path("settings/mailboxes/<int:mailbox_id>/look/", mailboxes.mailbox_look, name="mailbox_look"),
    path("settings/templates/", templates.templates, name="templates"),
    path("settings/templates/<slug:channel>/<str:key>/<slug:language>/", templates.template, name="template"),
    path(
        "settings/templates/<slug:channel>/<str:key>/<slug:language>/preview/",
        templates.template_preview,
        name="template_preview",
    ),
    path(
        "settings/templates/<slug:channel>/<str:key>/<slug:language>/reset/",
        templates.template_reset,
        name="template_reset",
    ),
    path("settings/channels/", channels.channels, name="channels"),
    path("settings/channels/<slug:channel>/", channels.channel, name="channel"),
    path("settings/channels/<slug:channel>/test/", channels.channel_test, name="channel_test"),
    path(
        "settings/channels/<slug:channel>/<str:key>/<slug:language>/",
        channels.provider_template,
        name="provider_template",
    ),
    path("hooks/sms/<str:key>/reports/", hooks.sms_reports, name="sms_reports"),
    path("hooks/sms/<str:key>/replies/", hooks.sms_replies, name="sms_replies"),
    path("hooks/wechat/<str:key>/", hooks.wechat, name="wechat_hook"),
    path("settings/deliveries/", deliveries.deliveries, name="deliveries"),
    path("settings/deliveries/<int:delivery_id>/", deliveries.delivery, name="delivery"),
    path("settings/deliveries/<int:delivery_id>/html/", deliveries.delivery_html, name="delivery_html"),
    path("settings/deliveries/<int:delivery_id>/retry/", deliveries.delivery_retry, name="delivery_retry"),
    path(
        "settings/deliveries/<int:delivery_id>/allow/<int:suppression_id>/",
        deliveries.suppression_lift,
        name="suppression_lift",
    ),
    path("settings/deliveries/received/", deliveries.inbound, name="inbound"),
    path("settings/deliveries/received/<int:inbound_id>/", deliveries.inbound_mail, name="inbound_mail"),
    path("settings/deliveries/received/<int:inbound_id>/decide/", deliveries.inbound_decide, name="inbound_decide"),
    path("mail/", viewer.mails, name="viewer"),
    path("mail/new/", viewer.write, name="viewer_write"),
    path("mail/phones/", gateway.notes, name="viewer_notes"),
    path("mail/gateway/sms/", gateway.sms, name="gateway_sms"),
    path("mail/gateway/wechat/cgi-bin/stable_token", gateway.wechat_token, name="gateway_wechat_token"),
    path("mail/gateway/wechat/cgi-bin/message/template/send", gateway.wechat_send, name="gateway_wechat"),
    path("mail/gateway/push/<slug:device>/", gateway.push, name="gateway_push"),
    path("mail/<int:mail_id>/", viewer.mail, name="viewer_mail"),
    path("mail/<int:mail_id>/html/", viewer.mail_html, name="viewer_html"),
    path("mail/<int:mail_id>/file/<int:number>/", viewer.mail_file, name="viewer_file"),
    path("mail/<int:mail_id>/reply/", viewer.reply, name="viewer_reply"),
]
