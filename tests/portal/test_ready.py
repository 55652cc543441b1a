"""The server writes warm answers by itself: nobody may notice, except by a clock."""

import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.portal import make
from zaitu.journey.domain.statuses import Status
from zaitu.portal import hot
from zaitu.portal.misses import misses


@pytest.fixture
def written(monkeypatch):
    """Counts the answers that were written without asking the application."""
    counted = []
    ready = hot.Hot.ready

    def counting(self, url):
        answer = ready(self, url)
        if answer is not None:
            counted.append(url)
        return answer

    monkeypatch.setattr(hot.Hot, "ready", counting)
    return counted


@pytest.fixture
def asked(monkeypatch):
    """Counts the questions that reached the application."""
    counted = []
    track = hot.Hot.track

    async def counting(self, scope, send):
        counted.append(scope["method"])
        await track(self, scope, send)

    monkeypatch.setattr(hot.Hot, "track", counting)
    return counted


def path_of(one):
    return f"/api/v1/track/{one.waybill}"


def warm(web, path, written):
    """Ask until the answer is written at once; the cache begins anew when the server has begun to listen for news."""
    deadline = time.monotonic() + 10
    while not written:
        assert time.monotonic() < deadline, "never ready"
        answer = web.get(path)
    written.clear()
    return answer


def exchange(web, sent: bytes, *, answers: int) -> bytes:
    """What the server says to raw bytes, until so many answers have come or it closes."""
    address = urlsplit(str(web.base_url))
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(sent)
        said = b""
        while said.count(b"HTTP/1.1 ") < answers or not said.endswith(b"}"):
            more = connection.recv(65_536)
            if not more:
                break
            said += more
    return said


def test_the_second_answer_is_written_at_once_and_is_the_same(web, asked, written):
    path = path_of(make.shipment())
    first = web.get(path)
    for _try in range(
        5
    ):  # an answer is fresh for five seconds, which a busy machine may take between two lines
        warm(web, path, written)
        asked.clear()
        second = web.get(path)
        if not asked:
            break
    assert asked == []
    assert second.status_code == 200
    assert second.content == first.content
    drop_date = [{k: v for k, v in one.headers.items() if k != "date"} for one in (first, second)]
    assert drop_date[0] == drop_date[1]
    assert second.headers["date"]
    assert list(second.headers).count("content-length") == 1


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("HEAD", {}, 200),
        ("POST", {}, 405),
        ("GET", {"authorization": "Bearer nobody"}, 401),
        ("GET", {"if-none-match": "*"}, 304),
        ("GET", {"connection": "close"}, 200),
        ("GET", {"content-length": "3"}, 200),
    ],
)
def test_anything_but_a_plain_get_goes_to_the_application(web, asked, written, method, headers, status):
    path = path_of(make.shipment())
    warm(web, path, written)
    asked.clear()
    content = b"abc" if "content-length" in headers else None
    answer = web.request(method, path, headers=headers, content=content)
    assert answer.status_code == status
    assert asked == [method]
    assert web.get(path).status_code == 200, "the connection is still good"


def test_the_same_answer_is_not_sent_again_to_who_has_it(web):
    path = path_of(make.shipment())
    web.get(path)
    etag = web.get(path).headers["etag"]
    assert web.get(path, headers={"if-none-match": etag}).status_code == 304


def test_a_changed_shipment_is_asked_for_anew(web, written):
    one = make.shipment()
    warm(web, path_of(one), written)
    make.changed(one, status=Status.SIGNED, final=True)
    deadline = time.monotonic() + 5
    while web.get(path_of(one)).json()["status"] != "signed":
        assert time.monotonic() < deadline


def test_questions_sent_in_one_go_are_answered_in_their_order(web, written):
    paths = [path_of(make.shipment()) for _ in range(3)]
    warm(web, paths[1], written)  # only the one in the middle
    said = exchange(
        web, b"".join(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode() for path in paths), answers=3
    )
    numbers = [path.rsplit("/", 1)[1].encode() for path in paths]
    places = [said.find(b'"waybill":"%s"' % number) for number in numbers]
    assert -1 not in places
    assert places == sorted(places)


def test_an_old_client_is_answered_and_let_go(web, written):
    path = path_of(make.shipment())
    warm(web, path, written)
    said = exchange(web, f"GET {path} HTTP/1.0\r\n\r\n".encode(), answers=1)
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")


def test_nobody_is_served_at_once_while_somebody_is_blocked_for_guessing(web, written):
    path = path_of(make.shipment())
    warm(web, path, written)
    misses.blocked["203.0.113.9"] = time.monotonic() + 60
    assert web.get(path).status_code == 200
    misses.blocked["127.0.0.1"] = time.monotonic() + 60
    assert web.get(path).status_code == 429
    assert written == []
    misses.blocked |= dict.fromkeys(misses.blocked, time.monotonic())
    time.sleep(1)
    warm(web, path, written)


def test_a_right_tail_does_not_become_everybodys_answer(web, written):
    path = path_of(make.shipment())
    told = web.get(path, params={"phone_tail": make.CONSIGNEE_TAIL}).json()
    again = web.get(path, params={"phone_tail": make.CONSIGNEE_TAIL}).json()
    assert "details" in told
    assert "details" in again
    assert "details" not in web.get(path).json()
    assert written == []
