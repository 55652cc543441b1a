from django.urls import include, path

urlpatterns = [
    path("", include("zaitu.portal.urls")),
    path("console/", include("zaitu.console.urls")),
    path("field/", include("zaitu.field.urls")),
]
handler400 = "zaitu.ui.views.bad_request"
handler403 = "zaitu.ui.views.forbidden"
handler404 = "zaitu.ui.views.not_found"
handler500 = "zaitu.ui.views.server_error"
