"""What is the same everywhere. Values that differ come from the environment through cs_portal.env."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from cs_portal import env
from cs_portal.env import ROOT
from cs_portal.version import VERSION

BASE_DIR = ROOT
PRODUCT_VERSION = VERSION

# --- identity and place ------------------------------------------------------------------------------------------
SECRET_KEY = env.text(
    "SECRET_KEY",
    None,
    "At least 50 random characters; bin/up makes one in var/secrets.env.",
)
FIELD_KEYS = env.keyring("FIELD_KEYS", None, "id:base64 keys of 32 bytes that encrypt phones and addresses.")
INDEX_KEY = env.text("INDEX_KEY", None, "Secret for the look-up digests of phones; never change it.").encode()
PUBLIC_URL = env.text(
    "PUBLIC_URL",
    "http://127.0.0.1:8000",
    "Where customers reach the portal; links in mails use it.",
)
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS",
    urlsplit(PUBLIC_URL).hostname or "127.0.0.1",
    "Host names served, comma-separated.",
)
VAR_DIR = env.path("VAR_DIR", "var", "Where local data lives.")
DEBUG = env.flag("DEBUG", "0", "Django's debug pages; never in production.")
TRIAL = env.flag("TRIAL", "0", "1 switches on the mail viewer and the demo sign-ins of bin/up.")
BENCH = env.flag("BENCH", "0", "1 adds a Server-Timing header with SQL counts; for bin/bench.")
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", "0", "How many proxies in front may set X-Forwarded-For.")
METRICS_TOKEN = env.text("METRICS_TOKEN", "", "Bearer token for /metrics; empty serves it to loopback only.")
DEFAULT_CSP_REPORT = None

# --- data --------------------------------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL", None, "postgresql://user:password@host:port/name")
DB_POOL = env.flag("DB_POOL", "0", "1 in web processes: a connection pool per process.")
DB_STATEMENT_TIMEOUT_MS = env.number("DB_STATEMENT_TIMEOUT_MS", "60000", "5000 in web processes.")
DB_PREPARED = env.flag("DB_PREPARED", "1", "0 behind a pooler that knows no prepared statements.")
DATABASES = {
    "default": env.database(
        DATABASE_URL, pool=DB_POOL, statement_timeout_ms=DB_STATEMENT_TIMEOUT_MS, prepares=DB_PREPARED
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.text("REDIS_URL", None, "redis://host:port/0, the broker (with AOF).")
LAYER_URL = env.text(
    "LAYER_URL",
    "",
    "redis://host:port/1, live hints and cache; empty: next to the broker.",
) or (REDIS_URL.rsplit("/", 1)[0] + "/1" if REDIS_URL.count("/") > 2 else REDIS_URL + "/1")
REDIS_PREFIX = env.text("REDIS_PREFIX", "cs", "Prefix of every channel and key.")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "cs",
    }
}

# --- files -------------------------------------------------------------------------------------------------------
MEDIA_ROOT = env.path(
    "MEDIA_ROOT",
    str(VAR_DIR / "media"),
    "Where attachments are kept when S3_BUCKET is empty.",
)
S3_BUCKET = env.text("S3_BUCKET", "", "Bucket for attachments; empty keeps them in MEDIA_ROOT.")
S3_ENDPOINT = env.text("S3_ENDPOINT", "", "Endpoint of an S3-compatible store.")
S3_REGION = env.text("S3_REGION", "", "Region of the bucket, such as cn-north-1; many stores need none.")
S3_ADDRESSING = env.text("S3_ADDRESSING", "auto", "path, virtual (OSS and COS want it) or auto.")
S3_ACCESS_KEY = env.text("S3_ACCESS_KEY", "", "Access key of the store.")
S3_SECRET_KEY = env.text("S3_SECRET_KEY", "", "Secret key of the store.")
ATTACHMENT_MAX_BYTES = env.number("ATTACHMENT_MAX_BYTES", str(20 * 1024 * 1024), "Largest single attachment.")
ATTACHMENT_QUOTA_BYTES = env.number("ATTACHMENT_QUOTA_BYTES", str(50 * 1024**3), "All attachments together.")
UNDO_SEND_SECONDS = env.number("UNDO_SEND_SECONDS", "10", "An answer can be taken back this long; 0 sends at once.")
CONTACT_FORM_MIN_SECONDS = env.number("CONTACT_FORM_MIN_SECONDS", "2", "A public form sent sooner is taken for spam.")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o640
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o750
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", str(VAR_DIR / "static"), "Where collectstatic puts files.")
STATICFILES_DIRS = [ROOT / "static"]
STATICFILES_FINDERS = [
    "core.stylesheets.StylesheetFinder",  # first: it serves the sheets of parts as one file
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(MEDIA_ROOT)},
    },
    "attachments": (
        {
            "BACKEND": "tickets.bucket.BucketStorage",
            "OPTIONS": {
                "bucket_name": S3_BUCKET,
                "endpoint_url": S3_ENDPOINT or None,
                "region_name": S3_REGION or "us-east-1",
                "addressing_style": S3_ADDRESSING,
                "access_key": S3_ACCESS_KEY or None,
                "secret_key": S3_SECRET_KEY or None,
                "default_acl": None,
                "file_overwrite": False,
            },
        }
        if S3_BUCKET
        else {
            "BACKEND": "tickets.storage.DurableFileSystemStorage",
            "OPTIONS": {
                "location": str(MEDIA_ROOT / "attachments"),
                "file_permissions_mode": 0o640,
                "directory_permissions_mode": 0o750,
            },
        }
    ),
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage",
        "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755},  # the proxy reads them
    },
}

# --- apps --------------------------------------------------------------------------------------------------------
OUR_APPS = [
    "core",
    "accounts",
    "notifications",
    "customers",
    "orders",
    "knowledge",
    "tickets",
    "chat",
    "aftersales",
    "feedback",
    "kpi",
]
INSTALLED_APPS = [
    "cs_portal.apps.ProjectConfig",
    *OUR_APPS,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
AUTH_USER_MODEL = "accounts.Staff"
MIDDLEWARE = [
    "core.middleware.ServerTiming",
    "core.middleware.Outage",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "accounts.middleware.SessionVersion",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.DomainErrors",
]
ROOT_URLCONF = "cs_portal.urls"
FORM_RENDERER = "core.ui.widgets.PlainControls"
WSGI_APPLICATION = "cs_portal.wsgi.application"
ASGI_APPLICATION = "cs_portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ]
            if not DEBUG
            else [
                "django.template.loaders.filesystem.Loader",
                "django.template.loaders.app_directories.Loader",
            ],
            "context_processors": [
                "django.template.context_processors.csp",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.context.shell",
                "accounts.context.person",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "core.templatetags.ui",
            ],
        },
    }
]

# --- language and time -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_COOKIE_NAME = "cs_lang"
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
BUSINESS_TIME_ZONE = env.text(
    "BUSINESS_TIME_ZONE",
    "Asia/Shanghai",
    "Zone in which days, weeks and months are cut.",
)

# --- security ----------------------------------------------------------------------------------------------------
SECURE_CSP: dict[str, Any] = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:", "blob:"],
    "connect-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "core.views.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL.rstrip("/")] if PUBLIC_URL.startswith("https://") else []
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["accounts.backends.StaffBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_ADAPTER = "accounts.adapter.StaffAccountAdapter"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_RATE_LIMITS = False  # allauth counts in the cache, per process; accounts.services.sign_in counts in Postgres
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_FORMS = {"reset_password": "accounts.forms.ForgottenPasswordForm"}
PASSWORD_RESET_TIMEOUT = 2 * 3600
ACCOUNT_EMAIL_NOTIFICATIONS = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "accounts.adapter.StaffMFAAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.SecondFactorForm",
    "reauthenticate": "accounts.forms.SecondFactorAgainForm",
    "activate_totp": "accounts.forms.SetUpSecondFactorForm",
}
MFA_TOTP_ISSUER = "cs_portal"
MFA_TOTP_TOLERANCE = 1
USERSESSIONS_TRACK_ACTIVITY = False
REQUIRE_MFA_ROLES = env.words("REQUIRE_MFA_ROLES", "", "Roles that must use a second factor, comma-separated.")

# --- mail --------------------------------------------------------------------------------------------------------
SMTP_URL = env.text(
    "SMTP_URL",
    "smtp://127.0.0.1:25",
    "Where mail goes out: smtp://user:password@host:port",
)
SMTP = env.smtp(SMTP_URL)
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {**SMTP, "timeout": 10},
    },
}
MAIL_DOMAIN = env.text(
    "MAIL_DOMAIN",
    "service.example",
    "Domain of the reply addresses; its MX leads to the listener.",
)
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", f"service@{MAIL_DOMAIN}", "Sender of mails that belong to no mailbox.")
INBOUND_SMTP_HOST = env.text("INBOUND_SMTP_HOST", "127.0.0.1", "Address the inbound SMTP listener binds.")
INBOUND_SMTP_PORT = env.number("INBOUND_SMTP_PORT", "2525", "Port of the inbound SMTP listener.")
INBOUND_MAX_BYTES = env.number("INBOUND_MAX_BYTES", str(30 * 1024 * 1024), "Largest mail accepted.")
INBOUND_PER_MINUTE = env.number("INBOUND_PER_MINUTE", "600", "Mails one peer may hand over in a minute.")
INBOUND_PER_SENDER = env.number(
    "INBOUND_PER_SENDER", "60", "Mails one sender may write in ten minutes before the rest is put aside; 0: no limit."
)
INBOUND_TLS_CERT = env.text("INBOUND_TLS_CERT", "", "Certificate file for STARTTLS on the listener; empty: none.")
INBOUND_TLS_KEY = env.text("INBOUND_TLS_KEY", "", "Key file of that certificate, when it is not in the same file.")
INBOUND_KEEP_DAYS = env.number("INBOUND_KEEP_DAYS", "30", "Days for which raw incoming mail is kept.")
MAIL_CA_FILE = env.text("MAIL_CA_FILE", "", "Certificates of your own authority, for mail servers of your network.")
OUTGOING_ALLOW = env.words(
    "OUTGOING_ALLOW", "", "Hosts and networks inside that settings may name: 10.0.0.5, 10.1.0.0/16, mail.lan."
)
DELIVERY_KEEP_DAYS = env.number("DELIVERY_KEEP_DAYS", "365", "Days for which texts of sent messages are kept.")

# --- background --------------------------------------------------------------------------------------------------
CELERY = {
    "broker_url": REDIS_URL,
    "task_default_queue": f"{REDIS_PREFIX}.default",
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "task_soft_time_limit": 90,
    "task_time_limit": 110,
    "worker_soft_shutdown_timeout": 10,
    "worker_enable_soft_shutdown_on_idle": True,
    "worker_hijack_root_logger": False,
    "worker_max_tasks_per_child": 2000,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "visibility_timeout": 120,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_timeout": 30,
        "socket_connect_timeout": 2,
        # A publish while the broker is away fails in milliseconds instead of six seconds; the row is committed.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.05,
        "interval_max": 0.1,
        "global_keyprefix": f"{REDIS_PREFIX}.",
    },
    "enable_utc": True,
    "timezone": "UTC",
}

# --- API ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.problem_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "cs_portal API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.schema.add_problems"],
    "ENUM_NAME_OVERRIDES": {
        "TicketStatus": "tickets.enums.TicketStatus",
        "OrderStatus": "orders.enums.OrderStatus",
        "ParcelStatus": "orders.enums.ParcelStatus",
        "ScanStatus": "orders.enums.ScanStatus",
        "TakenIn": ["new", "changed", "same"],
        "TakenInOrNot": ["new", "changed", "same", "error"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- logs --------------------------------------------------------------------------------------------------------
LOG_JSON = env.flag("LOG_JSON", "0", "1 writes one JSON object a line.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "filters": {"hide_tokens": {"()": "core.logs.HideTokens"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["hide_tokens"],
            "formatter": "json" if LOG_JSON else "plain",
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "celery": {"level": "WARNING"},
        "django.request": {"filters": ["hide_tokens"]},
        "faker": {"level": "WARNING"},
        "mail.log": {"level": "WARNING"},
    },
}
