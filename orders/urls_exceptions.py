"""Addresses of parcel exceptions."""

from django.urls import path

from orders.views import exceptions

urlpatterns = [
    path("desk/exceptions/", exceptions.queue, name="exceptions"),
    path("desk/exceptions/<int:exception_id>/", exceptions.detail, name="exception"),
    path("desk/exceptions/<int:exception_id>/take/", exceptions.take, name="exception_take"),
    path("desk/exceptions/<int:exception_id>/give/", exceptions.give, name="exception_give"),
    path("desk/exceptions/<int:exception_id>/close/", exceptions.close, name="exception_close"),
]
