"""Addresses of accounts at carriers' providers."""

from django.urls import path

from orders.views import carrying

urlpatterns = [
    path("settings/carriers/board/", carrying.board, name="carrier_board"),
    path("settings/carriers/board/<int:carrier_id>/", carrying.numbers, name="carrier_numbers"),
    path("settings/carriers/accounts/new/<slug:provider>/", carrying.account_new, name="carrier_account_new"),
    path("settings/carriers/accounts/<int:account_id>/", carrying.account_edit, name="carrier_account"),
    path("settings/carriers/accounts/<int:account_id>/test/", carrying.account_test, name="carrier_account_test"),
    path("settings/carriers/accounts/<int:account_id>/stop/", carrying.account_stop, name="carrier_account_stop"),
    path("settings/carriers/accounts/<int:account_id>/resume/", carrying.account_resume, name="carrier_account_resume"),
    path("settings/carriers/accounts/<int:account_id>/renew/", carrying.account_renew, name="carrier_account_renew"),
    path("settings/carriers/numbers/<int:tracking_id>/again/", carrying.number_again, name="carrier_number_again"),
    path("settings/carriers/pushes/<int:push_id>/again/", carrying.push_again, name="carrier_push_again"),
]
