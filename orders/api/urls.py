"""Addresses of the orders API."""

from django.urls import path

from orders.api import hooks, views

urlpatterns = [
    path("orders/", views.Orders.as_view(), name="api-orders"),
    path("orders/<str:number>/", views.OneOrder.as_view(), name="api-order"),
    path("parcels/<str:tracking>/scans/", views.ParcelScans.as_view(), name="api-parcel-scans"),
    path("hooks/orders/", hooks.order_hooks, name="api-order-hooks"),
]
