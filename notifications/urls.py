"""Addresses of the notifications app."""

from django.urls import path

from notifications.views import unsubscribing

app_name = "notifications"

urlpatterns = [
    path("u/<str:token>/", unsubscribing.unsubscribe, name="unsubscribe"),
]
