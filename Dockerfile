# One image for every process of the product; docker-compose.yml says which one it is.
FROM python:3.13.9-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock /tmp/requirements.lock
RUN /venv/bin/pip install --require-hashes -r /tmp/requirements.lock

FROM python:3.13.9-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=cs_portal.settings.production \
    VAR_DIR=/data MEDIA_ROOT=/data/media STATIC_ROOT=/static
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin portal \
 && mkdir -p /data /static /backups && chown portal:portal /data /static /backups
COPY --from=packages /venv /venv
WORKDIR /app
COPY --chown=root:root . /app
RUN python bin/messages compile && python -m compileall -q /app
USER portal
EXPOSE 8000
CMD ["gunicorn", "cs_portal.wsgi:application", "-c", "deploy/gunicorn.conf.py"]
