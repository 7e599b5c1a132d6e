"""Addresses of moving in from another desk."""

from django.urls import path

from tickets.views import settings_migration

urlpatterns = [
    path("settings/migration/", settings_migration.migrations, name="migrations"),
    path("settings/migration/<int:migration_id>/", settings_migration.migration, name="migration"),
    path("settings/migration/<int:migration_id>/cancel/", settings_migration.cancel, name="migration_cancel"),
    path("settings/migration/<int:migration_id>/refused.csv", settings_migration.refused, name="migration_refused"),
]
