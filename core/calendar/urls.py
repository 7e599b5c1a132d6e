"""Addresses of the calendar settings, joined into core's."""

from django.urls import path

from core.calendar import views, views_holidays

urlpatterns = [
    path("settings/calendars/", views.calendar_list, name="calendars"),
    path("settings/calendars/new/", views.calendar_new, name="calendar_new"),
    path("settings/calendars/<int:calendar_id>/", views.calendar_edit, name="calendar_edit"),
    path("settings/calendars/<int:calendar_id>/exceptions/", views.exception_add, name="calendar_exception_add"),
    path(
        "settings/calendars/exceptions/<int:exception_id>/remove/",
        views.exception_remove,
        name="calendar_exception_remove",
    ),
    path("settings/holidays/", views_holidays.holiday_list, name="holidays"),
    path("settings/holidays/refresh/", views_holidays.holidays_refresh, name="holidays_refresh"),
    path("settings/holidays/<int:holiday_id>/restore/", views_holidays.holiday_restore, name="holiday_restore"),
]
