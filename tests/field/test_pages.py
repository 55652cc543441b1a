"""The pages around the app: sign-in of its own, one shell that says nothing about anybody, and what makes it installable."""

import io
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from tests.access import make as people
from tests.field.make import worker
from zaitu.field import views

pytestmark = pytest.mark.django_db


def static_file(address):
    return finders.find(address.removeprefix("/static/"))


def test_without_a_session_the_app_leads_to_its_own_sign_in(client):
    answer = client.get("/field/")
    assert (answer.status_code, answer["Location"]) == (302, "/field/sign-in")
    page = client.get("/field/sign-in").content.decode()
    assert "司机与仓库人员登录" in page
    assert "/console/" not in page


def test_the_right_password_opens_the_app_and_a_wrong_one_says_so_keeping_the_name(client):
    people.user("driver", username="siji")
    answer = client.post("/field/sign-in", {"username": "siji", "password": "falsch"})
    assert answer.status_code == 401
    assert 'value="siji"' in answer.content.decode()
    answer = client.post("/field/sign-in", {"username": "siji", "password": people.PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/field/")
    assert client.get("/field/api/me").json()["name"] == "siji"


def test_a_hostile_name_is_text_on_the_sign_in_page(client):
    answer = client.post("/field/sign-in", {"username": '"><script>alert(1)</script>', "password": "x"})
    assert "<script>alert" not in answer.content.decode()


def test_sign_in_and_sign_out_need_the_token_of_the_page():
    people.user("driver", username="siji")
    stranger = Client(enforce_csrf_checks=True)
    assert (
        stranger.post("/field/sign-in", {"username": "siji", "password": people.PASSWORD}).status_code == 403
    )
    client, _ = worker("driver")
    assert client.post("/field/sign-out").status_code == 403
    assert client.get("/field/api/me").status_code == 200
    token = client.cookies["csrftoken"].value
    client.post("/field/sign-out", {"csrfmiddlewaretoken": token})
    assert client.get("/field/api/me").status_code == 401


def test_signing_out_by_a_link_does_not_work():
    client, _ = worker("driver")
    assert client.get("/field/sign-out").status_code == 405


def test_the_shell_that_the_phone_keeps_names_nobody():
    client, user = worker("warehouse")
    page = client.get("/field/").content.decode()
    assert user.username not in page
    assert user.name not in page
    assert "csrfmiddlewaretoken" not in page


def test_pages_run_no_inline_script_and_their_policy_forbids_it():
    client, _ = worker("warehouse")
    for path in ("/field/", "/field/sign-in"):
        answer = client.get(path)
        assert not re.search(r"<script(?![^>]*\bsrc=)", answer.content.decode())
        assert not re.search(r"\son[a-z]+=", answer.content.decode())
        scripts = next(part for part in answer["Content-Security-Policy"].split(";") if "script-src" in part)
        assert "unsafe-inline" not in scripts
        assert "'unsafe-eval'" not in scripts
        assert "'wasm-unsafe-eval'" in scripts


def test_the_manifest_can_be_installed_and_its_icons_are_of_the_size_they_say(client):
    answer = client.get("/field/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = json.loads(answer.content)
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == (
        "/field/",
        "/field/",
        "standalone",
    )
    purposes = set()
    for icon in manifest["icons"]:
        content = Path(static_file(icon["src"])).read_bytes()
        purposes.add(icon.get("purpose", "any"))
        if icon["type"] == "image/png":
            side = int(icon["sizes"].partition("x")[0])
            assert Image.open(io.BytesIO(content)).size == (side, side)
    assert purposes == {"any", "maskable"}


def test_the_service_worker_keeps_only_files_that_exist_and_every_module_of_the_app(client):
    answer = client.get("/field/sw.js")
    assert answer["Content-Type"].startswith("text/javascript")
    keep = json.loads(re.match(r"const KEEP = (\{.*?\});", answer.content.decode())[1])
    assert keep["shell"] == "/field/"
    assert all(static_file(address) for address in keep["files"])
    modules = {
        f"/static/{path.relative_to(views.OWN)}" for path in views.OWN.rglob("*.js") if path.name != "sw.js"
    }
    assert modules <= set(keep["files"])
    assert "/static/vendor/zxing/zxing_reader.wasm" in keep["files"]


def test_every_icon_a_screen_draws_is_kept_for_use_without_network():
    text = "".join(path.read_text(encoding="utf-8") for path in (views.OWN / "field").rglob("*.js"))
    drawn = set(re.findall(r'icon\("([a-z-]+)"', text)) | set(re.findall(r'icon: "([a-z-]+)"', text))
    drawn |= {
        name for table in re.findall(r"ICONS = \{(.*?)\}", text) for name in re.findall(r'"([a-z-]+)"', table)
    }
    assert drawn <= set(views.ICONS)


def test_a_new_version_of_any_file_makes_a_new_version_of_the_worker(tmp_path, monkeypatch):
    before = views._kept.__wrapped__()[1]
    monkeypatch.setattr(views, "HASHED", ("ui/tokens.css",))
    assert views._kept.__wrapped__()[1] != before
