"""Addresses of what agents do with an order: ask the shop, note, tell the customer again."""

from django.urls import path

from orders.views import request_queue, requests

urlpatterns = [
    path("desk/orders/<int:order_id>/actions/", requests.actions, name="actions"),
    path("desk/orders/<int:order_id>/ask/<str:kind>/", requests.ask, name="ask"),
    path("desk/orders/<int:order_id>/note/", requests.note, name="note"),
    path("desk/orders/<int:order_id>/again/", requests.again, name="notice_again"),
    path("desk/order-requests/", request_queue.queue, name="requests"),
    path("desk/order-requests/<int:request_id>/", request_queue.detail, name="request"),
    path("desk/order-requests/<int:request_id>/answer/", request_queue.answer, name="request_answer"),
    path("desk/order-requests/<int:request_id>/withdraw/", request_queue.withdraw, name="request_withdraw"),
]
