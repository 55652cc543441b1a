from django.urls import path

from zaitu.portal.pages import views

app_name = "portal"
urlpatterns = [
    path("", views.query, name="query"),
    path("privacy", views.privacy, name="privacy"),
    path("t/<str:number>", views.track, name="track"),
    path("t/<str:number>/unlock", views.unlock, name="unlock"),
    path("t/<str:number>/qr.svg", views.qr, name="qr"),
    path("t/<str:number>/files/<str:token>", views.photo, name="photo"),
]
