"""bin/up: one machine, embedded servers, plain http on loopback."""

from cs_portal.settings.base import *  # noqa: F403

STORAGES = {  # hashed names as in production, but not compressed: that takes half a minute and loopback gains nothing
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
