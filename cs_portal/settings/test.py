"""Tests: the same product, quicker password hashes, plain static files."""

from cs_portal.settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {  # the manifest needs a collectstatic run; pages are tested without one
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
UNDO_SEND_SECONDS = 0  # answers go at once, where a test is not about taking them back
