"""Addresses of the orders API."""

from django.urls import path

from orders.api import hooks, pushes, views

urlpatterns = [
    path("orders/", views.Orders.as_view(), name="api-orders"),
    path("orders/<str:number>/", views.OneOrder.as_view(), name="api-order"),
    path("parcels/<str:tracking>/scans/", views.ParcelScans.as_view(), name="api-parcel-scans"),
    path("hooks/orders/", hooks.order_hooks, name="api-order-hooks"),
    path("hooks/carriers/<str:token>/", pushes.carrier_push, name="api-carrier-push"),
]
