from django.urls import include, path

from zaitu.portal import callbacks
from zaitu.portal.api.service import api
from zaitu.portal.ivr.node import node
from zaitu.portal.pages import talking, views
from zaitu.portal.pages.preferences import preferences
from zaitu.ui.views import offline

pages = [
    path("", views.query, name="query"),
    path("privacy", views.privacy, name="privacy"),
    path("offline", offline, name="offline"),
    path("t/sw.js", views.service_worker, name="service-worker"),
    path("find", views.find, name="find"),
    path("p/<str:token>", preferences, name="preferences"),
    path("k/<str:token>", views.short_link, name="short-link"),
    path("callbacks/<slug:provider>", callbacks.callback, name="callback-signed"),
    path("callbacks/<slug:provider>/<str:token>", callbacks.callback, name="callback"),
    path("t/<str:number>", views.track, name="track"),
    path("t/<str:number>/unlock", views.unlock, name="unlock"),
    path("t/<str:number>/talk", talking.talk, name="talk"),
    path("t/<str:number>/rate", talking.rate, name="rate"),
    path("t/<str:number>/talk/<str:token>", talking.photo, name="talk-photo"),
    path("t/<str:number>/qr.svg", views.qr, name="qr"),
    path("t/<str:number>/files/<str:token>", views.photo, name="photo"),
]
urlpatterns = [
    path("api/v1/", api.urls),  # outside the namespace: ninja looks its own names up from the root
    path("ivr/v1/", node.urls),
    path("", include((pages, "portal"))),
]
