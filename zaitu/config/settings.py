"""Django's settings, all from config/env.py."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from zaitu.config.env import env
from zaitu.config.homes import Home

ENV = env()
HOME = Home(ENV.home)
BASE = Path(__file__).resolve().parent.parent

SECRET_KEY = ENV.secret_key or HOME.secret("secret_key")
ZAITU_DATA_KEY = ENV.data_key or HOME.data_key()
ZAITU_HOME = str(HOME.path)
ZAITU_BUS_PATH = str(HOME.socket("bus"))
ZAITU_TICK_MS = ENV.tick_ms
ZAITU_GATEWAY_FRONT = ENV.gateway_front
ZAITU_NATS_URL = ENV.nats_url
ZAITU_NATS_MONITOR_URL = ENV.nats_monitor_url
ZAITU_NATS_UNSYNCED_ALLOWED = ENV.nats_unsynced_allowed
ZAITU_NATS_REPLICAS = ENV.nats_replicas
ZAITU_NATS_STREAM_MB = ENV.nats_stream_mb
ZAITU_NATS_SHARDS = ENV.nats_shards
ZAITU_MQTT_URL = ENV.mqtt_url
ZAITU_MQTT_TOPICS = ENV.mqtt_topics
ZAITU_POSITIONS_ONLINE_DAYS = ENV.positions_online_days
ZAITU_POSITIONS_KEEP_DAYS = ENV.positions_keep_days
ZAITU_ARCHIVE = str(HOME.path / "archive")
ZAITU_MEDIA_DAY_MB = ENV.media_day_mb
ZAITU_JT808_TLS = (ENV.jt808_tls_certificate, ENV.jt808_tls_private_key)
ZAITU_JT808_HOST = ENV.jt808_host
ZAITU_JT808_PORT = ENV.jt808_port
ZAITU_ELOCK_PORT = ENV.elock_port
ZAITU_WAYBILL_PREFIX = ENV.waybill_prefix
ZAITU_PUBLIC_URL = ENV.address
ZAITU_SMTP_URL = ENV.smtp_url
ZAITU_MAIL_FROM = ENV.mail_from
ZAITU_SMS_PROVIDER = ENV.sms_provider
ZAITU_SMS_SIGN = ENV.sms_sign
ZAITU_ALIYUN_ACCESS_KEY_ID = ENV.aliyun_access_key_id
ZAITU_ALIYUN_ACCESS_KEY_SECRET = ENV.aliyun_access_key_secret
ZAITU_ALIYUN_SMS_URL = ENV.aliyun_sms_url
ZAITU_TENCENT_SECRET_ID = ENV.tencent_secret_id
ZAITU_TENCENT_SECRET_KEY = ENV.tencent_secret_key
ZAITU_TENCENT_SMS_APP_ID = ENV.tencent_sms_app_id
ZAITU_TENCENT_SMS_REGION = ENV.tencent_sms_region
ZAITU_TENCENT_SMS_URL = ENV.tencent_sms_url
ZAITU_TENCENT_SMS_VARIABLE_CHARS = ENV.tencent_sms_variable_chars
ZAITU_CMPP_URL = ENV.cmpp_url
ZAITU_SMPP_URL = ENV.smpp_url
ZAITU_WECHAT_URL = ENV.wechat_url
ZAITU_WECHAT_APPID = ENV.wechat_appid
ZAITU_WECHAT_SECRET = ENV.wechat_secret
ZAITU_WECHAT_MESSAGES = ENV.wechat_messages
ZAITU_WECHAT_CALLBACK_TOKEN = ENV.wechat_callback_token
ZAITU_WECHAT_AES_KEY = ENV.wechat_aes_key
ZAITU_MINI_APPID = ENV.mini_appid
ZAITU_MINI_SECRET = ENV.mini_secret
ZAITU_MINI_PAGE = ENV.mini_page
ZAITU_MINI_STATE = ENV.mini_state
ZAITU_MINI_CALLBACK_TOKEN = ENV.mini_callback_token
ZAITU_MINI_AES_KEY = ENV.mini_aes_key
ZAITU_WECOM_URL = ENV.wecom_url
ZAITU_DINGTALK_URL = ENV.dingtalk_url
ZAITU_FEISHU_URL = ENV.feishu_url
ZAITU_MESSAGE_BLANK_DAYS = ENV.message_blank_days
ZAITU_MESSAGE_KEEP_DAYS = ENV.message_keep_days
ZAITU_TALK_BLANK_DAYS = ENV.talk_blank_days
ZAITU_TALK_KEEP_DAYS = ENV.talk_keep_days
ZAITU_CALL_BLANK_DAYS = ENV.call_blank_days
ZAITU_CALL_KEEP_DAYS = ENV.call_keep_days
ZAITU_IVR_AGI_HOST = ENV.ivr_agi_host
ZAITU_IVR_AGI_PORT = ENV.ivr_agi_port
ZAITU_IVR_AGI_SAY = ENV.ivr_agi_say
ZAITU_WEBHOOK_PRIVATE_ALLOWED = ENV.webhook_private_allowed
ZAITU_MAP = {
    "tiles": ENV.map_tiles_url,
    "datum": ENV.map_tiles_datum,
    "attribution": ENV.map_tiles_attribution,
}

DEBUG = ENV.debug
_PUBLIC = urlsplit(ZAITU_PUBLIC_URL)
_HTTPS = _PUBLIC.scheme == "https"
# Hosts are open unless a public address is set: a box in a warehouse is reached by whatever address it has today.
ALLOWED_HOSTS = [_PUBLIC.hostname or "", "localhost", "127.0.0.1", "[::1]"] if ENV.public_url else ["*"]
CSRF_TRUSTED_ORIGINS = [ZAITU_PUBLIC_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django_linear_migrations",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "template_partials.apps.SimpleAppConfig",
    "django_cotton.apps.SimpleAppConfig",
    "django_htmx",
    "ninja",
    "csp",
    "pgtrigger",
    "pghistory",
    "axes",
    "procrastinate.contrib.django",
    "zaitu.kernel",
    "zaitu.access",
    "zaitu.network",
    "zaitu.customers",
    "zaitu.telemetry",
    "zaitu.notify",
    "zaitu.journey",
    "zaitu.desk",
    "zaitu.epcis",
    "zaitu.hotline",
    "zaitu.ui",
    "zaitu.portal",
    "zaitu.field",
    "zaitu.console",
    "zaitu.config",
]
AUTH_USER_MODEL = "access.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

APPEND_SLASH = False  # ui.middleware.SlashMiddleware knows both directions, and moves no form
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "zaitu.ui.middleware.LanguageMiddleware",
    "zaitu.ui.middleware.SlashMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "zaitu.ui.middleware.ProblemMiddleware",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "zaitu.kernel.addresses.client_network"
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "console/locked.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_VERBOSE = False
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
CSRF_FAILURE_VIEW = "zaitu.ui.views.csrf_failed"
LOGIN_URL = "console:sign-in"
LOGIN_REDIRECT_URL = "/console/"

ROOT_URLCONF = "zaitu.config.urls"
ASGI_APPLICATION = "zaitu.config.asgi.application"

_LOADERS = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [("django.template.loaders.cached.Loader", _LOADERS)],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton", "template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "zaitu.ui.context.page",
            ],
        },
    }
]
COTTON_DIR = "cotton"


_NOTICED: Final = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""libpq's, for a server on another machine: one that is cut off is noticed within 15 s instead of hours."""


def database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a `postgresql://` address, with the psycopg pool (CONN_MAX_AGE leaks under ASGI)."""
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415  only needed here

    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "zaitu"),
        "USER": parts.pop("user", "zaitu"),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_NOTICED, **parts, "pool": {"min_size": 0, "max_size": 16, "timeout": 10}},
    }


ZAITU_DATABASE_URL = ENV.database_url or HOME.database_url()
DATABASES = {"default": database(ZAITU_DATABASE_URL)}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LOCALE_PATHS = [str(BASE / "ui" / "locale")]

STATIC_URL = "/static/"
STATIC_ROOT = str(HOME.path / "static")
MEDIA_ROOT = str(HOME.path / "files")
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "zaitu.config.static.StaticStorage"},
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = ENV.upload_max_mb * 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": [
            "'self'",
            "data:",
            "blob:",
            *([f"https://{urlsplit(ENV.map_tiles_url).netloc}"] if ENV.map_tiles_url else []),
        ],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "media-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "formatters": {"line": {"()": "zaitu.kernel.logs.formatter", "people": True}},
    "root": {"handlers": ["stderr"], "level": ENV.log_level},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
