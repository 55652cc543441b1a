from django.apps import AppConfig


class EpcisConfig(AppConfig):
    name = "zaitu.epcis"
    label = "epcis"
    default_auto_field = "django.db.models.BigAutoField"
