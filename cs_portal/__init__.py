"""The project: settings, addresses, process entry points.

Importing it reads no settings, so that cs_portal.runtime can work before there are any;
cs_portal.apps loads the Celery application when Django starts.
"""
