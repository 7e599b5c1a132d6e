"""Addresses of order notices."""

from django.urls import path

from orders.views import notices

urlpatterns = [
    path("settings/order-notices/", notices.settings, name="notice_settings"),
    path("desk/orders/<int:order_id>/notices/", notices.told, name="notices"),
]
