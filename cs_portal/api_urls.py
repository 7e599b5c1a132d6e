"""The API under /api/v1/: each app's own resources and the schema."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

urlpatterns = [
    *[
        path("", include(f"{app}.api.urls"))
        for app in settings.OUR_APPS
        if getattr(find_spec(f"{app}.api"), "submodule_search_locations", None)
        and find_spec(f"{app}.api.urls") is not None
    ],
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
]
