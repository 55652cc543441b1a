import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from tests.kernel.make import Happened, Noticed
from zaitu.kernel import metrics, outbox
from zaitu.kernel.relay import Relay, Retries

pytestmark = pytest.mark.django_db


def fails(_event):
    raise ValueError("cannot")


def put_and_poison():
    with transaction.atomic():
        outbox.put(Happened(thing="a", number=1))
    Relay({Happened: [fails]}, retries=Retries(tries=1)).drain()


def test_the_backlog_is_among_the_numbers_for_prometheus():
    put_and_poison()
    with transaction.atomic():
        outbox.put(Noticed(thing="a"), Noticed(thing="b"))
    body, kind = metrics.render()
    lines = body.decode().splitlines()
    assert kind.startswith("text/plain")
    assert "zaitu_outbox_rows 2.0" in lines
    assert "zaitu_outbox_poison 1.0" in lines
    assert "zaitu_outbox_held 0.0" in lines
    assert any(line.startswith("zaitu_outbox_oldest_s ") for line in lines)


def test_an_administrator_sees_requeues_and_drops_what_was_set_aside(capsys):
    put_and_poison()
    (poison,) = outbox.poison_list()
    call_command("outbox")
    shown = capsys.readouterr().out
    assert "set aside 1" in shown
    assert "kernel_test.happened" in shown
    assert "ValueError: cannot" in shown

    call_command("outbox", "requeue", str(poison.id))
    assert outbox.backlog().rows == 1
    assert outbox.poison_list() == []
    Relay({Happened: [fails]}, retries=Retries(tries=1)).drain()
    (poison,) = outbox.poison_list()
    call_command("outbox", "drop", str(poison.id))
    assert outbox.poison_list() == []
    with pytest.raises(CommandError, match="搁置"):
        call_command("outbox", "drop", str(poison.id))
