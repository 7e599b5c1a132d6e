"""Addresses of the orders API."""

from django.urls import path

from orders.api import hooks, products, pushes, shop_hooks, views

urlpatterns = [
    path("orders/", views.Orders.as_view(), name="api-orders"),
    path("orders/<str:number>/", views.OneOrder.as_view(), name="api-order"),
    path("products/", products.Products.as_view(), name="api-products"),
    path("products/<str:sku>/", products.OneProduct.as_view(), name="api-product"),
    path("parcels/<str:tracking>/scans/", views.ParcelScans.as_view(), name="api-parcel-scans"),
    path("hooks/shops/<str:token>/", shop_hooks.shop_hook, name="api-shop-hook"),
    path("hooks/orders/", hooks.order_hooks, name="api-order-hooks"),
    path("hooks/carriers/<str:token>/", pushes.carrier_push, name="api-carrier-push"),
]
