"""Addresses of the orders app."""

from django.urls import path

from orders.urls_carrying import urlpatterns as carrying_urls
from orders.urls_exceptions import urlpatterns as exception_urls
from orders.urls_incidents import urlpatterns as incident_urls
from orders.urls_notices import urlpatterns as notice_urls
from orders.urls_products import urlpatterns as product_urls
from orders.urls_promises import urlpatterns as promise_urls
from orders.urls_promotions import urlpatterns as promotion_urls
from orders.urls_requests import urlpatterns as request_urls
from orders.urls_sources import urlpatterns as source_urls
from orders.urls_tracking import urlpatterns as tracking_urls
from orders.views import desk, exporting, importing, listing, people, settings

app_name = "orders"

urlpatterns = [
    *exception_urls,
    *incident_urls,
    *product_urls,
    *promise_urls,
    *promotion_urls,
    *request_urls,
    *source_urls,
    *tracking_urls,
    *carrying_urls,
    *notice_urls,
    path("desk/orders/", listing.order_list, name="list"),
    path("desk/orders/counts/", listing.counts, name="list_counts"),
    path("desk/orders/filters/", listing.keep_filter, name="filter_keep"),
    path("desk/orders/filters/<int:filter_id>/delete/", listing.drop_filter, name="filter_drop"),
    path("desk/orders/columns/", listing.columns, name="list_columns"),
    path("desk/orders/export/", exporting.export, name="export"),
    path("desk/orders/<int:order_id>/", desk.order_page, name="detail"),
    path("desk/orders/<int:order_id>/complete/", desk.complete, name="complete"),
    path("desk/orders/<int:order_id>/cancel/", desk.cancel, name="cancel"),
    path("desk/orders/<int:order_id>/panel/", desk.panel, name="panel"),
    path("desk/orders/of-customer/<int:customer_id>/", desk.customer_panel, name="customer_panel"),
    path("desk/orders/of-customer/<int:customer_id>/facts/", people.customer_facts, name="customer_facts"),
    path("desk/orders/panel/", desk.panel_by_query, name="panel_by_query"),
    path("desk/orders/import/", importing.imports, name="imports"),
    path("desk/orders/import/<int:run_id>/", importing.import_page, name="import"),
    path("desk/orders/import/<int:run_id>/check/", importing.check, name="import_check"),
    path("desk/orders/import/<int:run_id>/run/", importing.run, name="import_run"),
    path("desk/orders/import/<int:run_id>/cancel/", importing.cancel, name="import_cancel"),
    path("desk/orders/import/<int:run_id>/refused.<str:kind>", importing.refused, name="import_refused"),
    path("settings/shops/", settings.shops, name="shops"),
    path("settings/shops/new/", settings.shop_new, name="shop_new"),
    path("settings/shops/<int:shop_id>/", settings.shop_edit, name="shop_edit"),
    path("settings/shops/<int:shop_id>/secret/", settings.shop_secret, name="shop_secret"),
    path("settings/carriers/", settings.carriers, name="carriers"),
    path("settings/carriers/new/", settings.carrier_new, name="carrier_new"),
    path("settings/carriers/<int:carrier_id>/", settings.carrier_edit, name="carrier_edit"),
]
