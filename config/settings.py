"""Django settings. Everything that differs between installations is an environment variable.

docs/configuration.md lists the variables. Without any of them this is one machine: SQLite, files in
`var/`, no other server.
"""

import os
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF

from config.environment import (
    env,
    number_of_proxies,
    one_of,
    private_folder,
    secret_key,
    switch,
    time_zone,
    web_address,
    whole_number,
)
from config.logs import LINES

# Every process that computes reads these before numpy, torch or ONNX Runtime is loaded. Waiting threads
# that sleep instead of spin leave a small machine usable while it trains.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
COMPUTE_THREADS = whole_number("COMPUTE_THREADS", min(os.cpu_count() or 1, 4), least=1)
os.environ.setdefault("OMP_NUM_THREADS", str(COMPUTE_THREADS))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's own: small matrices, and threads that spin

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").resolve()
# What a shop keeps is for no other account of this machine: neither the folder, nor what any process makes.
os.umask(0o077)
private_folder(DATA_DIR)

SECRET_KEY = secret_key(DATA_DIR)
DEBUG = switch("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config.apps.ShelfsightConfig",
    "config.apps.ShelfsightAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "django_q",
    "graphene_django",
    "api",
    "catalog",
    "ml_training",
    "notifications",
    "till",
    "config.logins.apps.LoginsConfig",  # after those whose pages in the admin it replaces
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "catalog.activity.actor.acting_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
LOGIN_URL = "admin:login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Data ------------------------------------------------------------------------------------------

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "shelfsight.sqlite3"}
DATABASES = {"default": env.db_url("DATABASE_URL") if os.environ.get("DATABASE_URL") else SQLITE}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Several processes write: take the write lock at BEGIN, wait for it, and let readers go on (WAL).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # In memory, the heartbeat thread of a run and the socket consumers would each see another database.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

PRIVATE = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
STORAGES = {
    "default": {
        "BACKEND": "catalog.storage.WholeFilesStorage",
        "OPTIONS": {"location": DATA_DIR / "photos", **PRIVATE},
    },
    "models": {
        "BACKEND": "catalog.storage.WholeFilesStorage",
        "OPTIONS": {"location": DATA_DIR / "models", **PRIVATE},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
SERVESTATIC_USE_FINDERS = True

# Uploads wait on the disk where photos are kept: storing one only gives it its name, and nobody holds the
# write lock of the database while bytes are copied.
FILE_UPLOAD_TEMP_DIR = private_folder(DATA_DIR / "uploads")

# Scratch space that may be deleted at any time: exported backbones.
CACHE_DIR = DATA_DIR / "cache"

PHOTO_MAX_MEGABYTES = whole_number("PHOTO_MAX_MEGABYTES", 20, least=1)
PHOTO_MAX_MEGAPIXELS = whole_number("PHOTO_MAX_MEGAPIXELS", 64, least=1)
# Who did what is kept for so many days (docs/activity.md).
ACTIVITY_DAYS = whole_number("ACTIVITY_DAYS", 365, least=1, most=36_500)
DATA_UPLOAD_MAX_NUMBER_FILES = 500
DATA_UPLOAD_MAX_NUMBER_FIELDS = 30_000  # the form of a product with thousands of photos

# --- Messages between processes --------------------------------------------------------------------

# redis://host:6379/0, or unix:///path/to/socket. Empty: pushes stay within one process.
REDIS_URL = os.environ.get("REDIS_URL", "")
# Keeps installations apart that share one Redis server: its channels know no database number.
REDIS_PREFIX = os.environ.get("REDIS_PREFIX", "shelfsight")
CHANNEL_LAYERS: dict[str, dict] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if REDIS_URL:
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 2}],
            "prefix": REDIS_PREFIX,
        },
    }

# The ORM broker: a queued task is a row in the same database, and survives kill -9 of everything.
Q_CLUSTER = {
    "name": "shelfsight",
    "orm": "default",
    "workers": whole_number("WORKER_PROCESSES", 1, least=1),
    "poll": 0.05,
    "timeout": 6 * 3600,
    "retry": 6 * 3600 + 600,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,  # results are pickles and not signed: none is kept, so none is ever read
    "catch_up": False,
    "label": "Task queue",
    # Deep training has a queue of its own: nothing waits for it.
    "ALT_CLUSTERS": {
        "deep": {"workers": 1, "timeout": 48 * 3600, "retry": 48 * 3600 + 600, "poll": 1.0},
    },
}

# --- Recogniser ------------------------------------------------------------------------------------

BACKBONE = one_of("BACKBONE", "efficientnet-lite2", ("efficientnet-lite0", "efficientnet-lite2"))
# An ONNX image encoder of one's own, described by this JSON file (docs/backbones.md); it replaces BACKBONE.
BACKBONE_FILE = os.environ.get("BACKBONE_FILE", "")
# A run whose worker has not been heard of for this long is given up and queued again.
HEARTBEAT_SECONDS = whole_number("HEARTBEAT_SECONDS", 5, least=1)
HEARTBEAT_LIMIT_SECONDS = whole_number("HEARTBEAT_LIMIT_SECONDS", 30, least=2)
# A run that killed its worker this often is a failure that a person must look at.
MAX_ATTEMPTS = whole_number("MAX_ATTEMPTS", 3, least=1)
# The files of so many versions are kept, and of those that docs/model-files.md names.
KEEP_VERSIONS = whole_number("KEEP_VERSIONS", 5, least=1)

# --- Deep training (docs/deep-training.md) ----------------------------------------------------------

# auto: the recogniser also tunes its backbone when that promises to pay. off: never by itself.
DEEP_TRAINING = one_of("DEEP_TRAINING", "auto", ("auto", "off"))
DEEP_THREADS = whole_number("DEEP_THREADS", max(1, (os.cpu_count() or 1) // 2), least=1)
# What a shop must have before it is tried: so many products with DEEP_PRODUCT_PHOTOS each, so many photos.
DEEP_PRODUCTS = whole_number("DEEP_PRODUCTS", 5, least=2)
DEEP_PRODUCT_PHOTOS = whole_number("DEEP_PRODUCT_PHOTOS", 5, least=2)
DEEP_PHOTOS = whole_number("DEEP_PHOTOS", 300, least=4)
# Tried again when so many of 100 photos are new since, and never sooner than after so many hours.
DEEP_NEW_PERCENT = whole_number("DEEP_NEW_PERCENT", 20, least=0)
DEEP_INTERVAL_HOURS = whole_number("DEEP_INTERVAL_HOURS", 24, least=0)
# Hours of the day in which it may compute, such as 20-6; empty: any. A shop may have its own.
DEEP_HOURS = os.environ.get("DEEP_HOURS", "")

# --- External trainer (docs/external-trainer.md) ----------------------------------------------------

# Where a trainer takes runs. Empty: the worker trains by itself.
ML_TRAINER_URL = web_address("ML_TRAINER_URL")
# The secret that both sides know: the trainer starts work for nobody else.
ML_TRAINER_TOKEN = os.environ.get("ML_TRAINER_TOKEN", "")
# How the trainer reaches this site.
PUBLIC_URL = web_address("PUBLIC_URL")
# On the trainer: the sites it works for, as host or host:port. It contacts no other.
ML_TRAINER_ALLOWED_HOSTS = env.list("ML_TRAINER_ALLOWED_HOSTS", default=[])
# A trainer that was silent for so long has lost its run, and the run is trained again.
ML_TRAINER_SILENCE_SECONDS = whole_number("ML_TRAINER_SILENCE_SECONDS", 120, least=2)
# No run takes longer: its token is then worth nothing.
ML_TRAINER_RUN_MINUTES = whole_number("ML_TRAINER_RUN_MINUTES", 360, least=1)

# --- Tills (docs/till.md) ---------------------------------------------------------------------------

# So many photos that tills sent, and that nobody has looked at, are kept for each shop, and for so many days.
TILL_CORRECTIONS = whole_number("TILL_CORRECTIONS", 500, least=1)
TILL_CORRECTION_DAYS = whole_number("TILL_CORRECTION_DAYS", 30, least=1, most=36_500)

# --- API -------------------------------------------------------------------------------------------

GRAPHENE = {"SCHEMA": "config.schema.schema", "RELAY_CONNECTION_MAX_LIMIT": 100}
# Whether a program may ask the API what it offers; schema.graphql tells the same.
GRAPHQL_INTROSPECTION = switch("GRAPHQL_INTROSPECTION", True)
# All files of one request to the API together; a photo has its own limit above.
API_UPLOAD_MAX_MEGABYTES = whole_number("API_UPLOAD_MAX_MEGABYTES", 200, least=1)

# --- Security --------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Each session remembers which of these let it in: config/logins/backends.py.
AUTHENTICATION_BACKENDS = [
    "config.logins.backends.ThrottledLogins",
    "config.logins.backends.PasswordAlone",
    "config.logins.backends.PasswordAndCode",
]
# Whether all staff need a code of their phone to log in; otherwise those who have set it up.
SECOND_FACTOR = switch("SECOND_FACTOR", False)
OTP_TOTP_ISSUER = "Shelfsight"
# Codes are counted by config/logins/throttle.py: these would lock a person out from everywhere.
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0
AXES_HANDLER = "config.logins.throttle.Throttle"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)  # after the last of them
AXES_CLIENT_IP_CALLABLE = "config.logins.client.throttled_address"
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
# Set HTTPS=0 only where the browser really talks http to this host: a demo, a test, one's own machine.
HTTPS = switch("HTTPS", True)
SESSION_COOKIE_AGE = 3600 * whole_number("SESSION_HOURS", 14 * 24, least=1, most=10 * 366 * 24)
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Both reach beyond this site: whoever runs the whole domain may ask for them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = switch("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = switch("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # this and the next ask for these two everywhere
    "security.W021",
    "axes.W002",  # asks for a middleware that answers in place of our login form
]
# How many proxies are in front; what they say of scheme and address holds (config/asgi_middleware/proxy.py).
BEHIND_PROXY = number_of_proxies("BEHIND_PROXY")
# How the web server, and that of an external trainer, read requests: with limits.
HTTP_PROTOCOL = "config.serving.protocol:LimitedHttp"
# Open at once; those of a shop, or of an office, come from one address.
SOCKETS_PER_ADDRESS = whole_number("SOCKETS_PER_ADDRESS", 200, least=1)
CSRF_FAILURE_VIEW = "config.typed.csrf_failed"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Language and log ------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = time_zone("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

LOGGING = LINES | {"root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")}}
