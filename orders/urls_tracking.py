"""Addresses of the tracking page, and of the link to it beside an order."""

from django.urls import path

from orders.views import tracking, tracking_link

urlpatterns = [
    path("track/", tracking.track, name="track"),
    path("track/seen/<str:token>/", tracking.track_seen, name="track_seen"),
    path("track/<str:token>/", tracking.tracked, name="tracked"),
    path("desk/orders/<int:order_id>/link/", tracking_link.link, name="tracking_link"),
    path("desk/orders/<int:order_id>/link/renew/", tracking_link.renew, name="tracking_link_renew"),
]
