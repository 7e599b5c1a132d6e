"""Addresses of the board."""

from django.urls import path

from kpi import views

app_name = "kpi"
urlpatterns = [
    path("board/", views.board, name="board"),
    path("board/rows/<slug:metric>/", views.rows, name="rows"),
    path("board/rows/<slug:metric>/export/", views.export_rows, name="export"),
    path("settings/targets/", views.targets, name="targets"),
]
