"""Addresses of the tracking page, and of the link to it beside an order."""

from django.urls import path

from orders.views import track_device, tracking, tracking_link

urlpatterns = [
    path("track/", tracking.track, name="track"),
    path("track/seen/<str:token>/", tracking.track_seen, name="track_seen"),
    path("track/worker.js", track_device.worker, name="track_worker"),
    path("track/device/", track_device.renewed, name="track_renewed"),
    path("track/<str:token>/", tracking.tracked, name="tracked"),
    path("track/<str:token>/device/", track_device.device, name="track_device"),
    path("desk/orders/<int:order_id>/link/", tracking_link.link, name="tracking_link"),
    path("desk/orders/<int:order_id>/link/renew/", tracking_link.renew, name="tracking_link_renew"),
]
