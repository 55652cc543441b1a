"""Makers for the field door: people with sessions, and actions as the phone sends them."""

import io
import uuid

from django.test import Client
from PIL import Image

from tests.access import make as people
from zaitu.kernel import clock


def worker(*roles, station="SHQP", **fields):
    """A signed-in person: (client, user). CSRF is checked, as for a phone."""
    user = people.user(*roles, station_code=station, name="赵仓管", **fields)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    client.get("/field/api/session")
    return client, user


def action(kind, code, station="SHQP", **fields):
    return {
        "key": str(uuid.uuid4()),
        "kind": kind,
        "code": code,
        "station": station,
        "trip": "",
        "at": clock.now().isoformat(),
        "data": {},
        **fields,
    }


def send(client, action, **headers):
    token = client.cookies["csrftoken"].value
    return client.post(
        "/field/api/actions",
        action,
        content_type="application/json",
        headers={"X-CSRFToken": token, **headers},
    )


def upload(client, content, *, code, kind="photo", file_id=None, mime="image/jpeg"):
    token = client.cookies["csrftoken"].value
    return client.put(
        f"/field/api/files/{file_id or uuid.uuid4()}?code={code}&kind={kind}",
        content,
        content_type=mime,
        headers={"X-CSRFToken": token},
    )


def picture(size=(64, 48), colour="#884400", encoding="JPEG"):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, encoding)
    return out.getvalue()
