"""Addresses of the board."""

from django.urls import path

from kpi import scorecard_views, views

app_name = "kpi"
urlpatterns = [
    path("board/", views.board, name="board"),
    path("board/rows/<slug:metric>/", views.rows, name="rows"),
    path("board/rows/<slug:metric>/export/", views.export_rows, name="export"),
    path("board/carriers/", scorecard_views.scorecard, name="carriers"),
    path("board/carriers/rows/", scorecard_views.scorecard_rows, name="carrier_rows"),
    path("board/carriers/export/", scorecard_views.export_scorecard, name="carrier_export"),
    path("settings/targets/", views.targets, name="targets"),
]
