"""Addresses of the gallery."""

from django.urls import path

from core.ui.gallery import gallery

app_name = "ui"
urlpatterns = [
    path("", gallery, name="gallery"),
    path("<slug:name>/", gallery, name="page"),
]
