"""Addresses of core's own pages."""

from core.calendar.urls import urlpatterns as calendar_urls

app_name = "core"
urlpatterns = [
    *calendar_urls,
]
