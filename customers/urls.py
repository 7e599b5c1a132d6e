"""Addresses of the customers app."""

from django.urls import path

from customers import views

app_name = "customers"
urlpatterns = [
    path("desk/customers/<int:customer_id>/", views.customer_page, name="customer"),
    path("desk/customers/<int:customer_id>/context/", views.context, name="context"),
    path("desk/customers/<int:customer_id>/block/", views.block, name="block"),
    path("desk/customers/<int:customer_id>/erase/", views.erase, name="erase"),
]
