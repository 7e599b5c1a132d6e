"""Addresses of the archive to take along."""

from django.urls import path

from tickets.views import settings_archives

urlpatterns = [
    path("settings/archive/", settings_archives.archives, name="archives"),
    path("settings/archive/<int:archive_id>/cancel/", settings_archives.cancel, name="archive_cancel"),
    path("settings/archive/<int:archive_id>/download/", settings_archives.download, name="archive_download"),
]
