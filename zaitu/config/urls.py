from django.urls import include, path

urlpatterns = [
    path("", include("zaitu.portal.urls")),
    path("console/", include("zaitu.console.urls")),
    path("field/", include("zaitu.field.urls")),
]
