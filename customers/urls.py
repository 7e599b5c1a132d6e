"""Addresses of the customers app."""

from django.urls import path

from customers import views
from customers.views import listing, me, merging

app_name = "customers"
urlpatterns = [
    path("me/", me.me, name="me"),
    path("me/code/", me.code, name="me_code"),
    path("me/leave/", me.leave, name="me_leave"),
    path("me/<slug:section>/<int:pk>/", me.thing, name="me_thing"),
    path("desk/customers/", listing.customer_list, name="list"),
    path("desk/customers/export/", listing.export, name="export"),
    path("desk/customers/duplicates/", merging.duplicates, name="duplicates"),
    path("desk/customers/<int:customer_id>/", views.customer_page, name="customer"),
    path("desk/customers/<int:customer_id>/context/", views.context, name="context"),
    path("desk/customers/<int:customer_id>/block/", views.block, name="block"),
    path("desk/customers/<int:customer_id>/erase/", views.erase, name="erase"),
    path("desk/customers/<int:customer_id>/proposals/", merging.proposals, name="proposals"),
    path("desk/customers/<int:customer_id>/merge/", merging.merge, name="merge"),
    path("desk/customers/<int:customer_id>/unmerge/", merging.unmerge, name="unmerge"),
    path("desk/customers/<int:customer_id>/told-apart/", merging.tell_apart, name="tell_apart"),
]
