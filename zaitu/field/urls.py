from django.urls import path

from zaitu.field import api, views

app_name = "field"
urlpatterns = [
    path("", views.shell, name="shell"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("sw.js", views.service_worker, name="service-worker"),
    path("api/session", api.session, name="session"),
    path("api/me", api.me, name="me"),
    path("api/stations", api.stations, name="stations"),
    path("api/trips", api.trips, name="trips"),
    path("api/trips/<str:ref>/sheet", api.sheet, name="sheet"),
    path("api/shipments/<str:code>", api.shipment, name="shipment"),
    path("api/files/<uuid:file_id>", api.file, name="file"),
    path("api/actions", api.actions, name="actions"),
]
