from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "zaitu.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from zaitu.kernel import checks  # noqa: F401, PLC0415  registers itself; models must be loaded first
