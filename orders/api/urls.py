"""Addresses of the orders API."""

from django.urls import path

from orders.api import hooks, products, pushes, requests, shop_hooks, views

urlpatterns = [
    path("orders/", views.Orders.as_view(), name="api-orders"),
    path("orders/<str:number>/", views.OneOrder.as_view(), name="api-order"),
    path("order-requests/", requests.OrderRequests.as_view(), name="api-order-requests"),
    path("order-requests/<int:request_id>/", requests.OneOrderRequest.as_view(), name="api-order-request"),
    path(
        "order-requests/<int:request_id>/answer/",
        requests.OrderRequestAnswer.as_view(),
        name="api-order-request-answer",
    ),
    path("products/", products.Products.as_view(), name="api-products"),
    path("products/<str:sku>/", products.OneProduct.as_view(), name="api-product"),
    path("parcels/<str:tracking>/scans/", views.ParcelScans.as_view(), name="api-parcel-scans"),
    path("hooks/shops/<str:token>/", shop_hooks.shop_hook, name="api-shop-hook"),
    path("hooks/orders/", hooks.order_hooks, name="api-order-hooks"),
    path("hooks/carriers/<str:token>/", pushes.carrier_push, name="api-carrier-push"),
]
