"""A look at the head only is answered as a look at the whole is."""

import pytest

from tests.console import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/console/shipments", "/console/orders/new", "/console/webhooks"])
def test_a_page_of_the_console_can_be_asked_for_its_head(path):
    client = make.signed_in("administrator")
    assert client.head(path).status_code == client.get(path).status_code == 200
    assert client.head(path).content == b""


@pytest.mark.parametrize("path", ["/console/", "/console/sign-in", "/field/", "/field/sw.js"])
def test_a_stranger_s_head_gets_what_a_stranger_gets(client, path):
    assert client.head(path).status_code == client.get(path).status_code
