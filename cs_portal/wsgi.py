"""WSGI entry point: pages under gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_portal.settings.production")
application = get_wsgi_application()
