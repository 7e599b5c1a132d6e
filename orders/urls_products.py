"""Addresses of the catalogue."""

from django.urls import path

from orders.views import products

urlpatterns = [
    path("desk/orders/products/", products.product_list, name="products"),
    path("desk/orders/products/<int:product_id>/", products.product, name="product"),
    path("desk/orders/<int:order_id>/products/", products.order_facts, name="order_products"),
]
