"""Addresses of promotions."""

from django.urls import path

from orders.views import promotions

urlpatterns = [
    path("desk/orders/promotions/", promotions.promotion_list, name="promotions"),
    path("desk/orders/promotions/new/", promotions.promotion_new, name="promotion_new"),
    path("desk/orders/promotions/<int:promotion_id>/", promotions.promotion, name="promotion"),
    path("desk/orders/promotions/<int:promotion_id>/edit/", promotions.promotion_edit, name="promotion_edit"),
    path("desk/orders/promotions/<int:promotion_id>/end/", promotions.promotion_end, name="promotion_end"),
]
