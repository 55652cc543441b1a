"""Commands to terminals in tests: asking, answering as a terminal, and what became of it."""

import struct

import pytest

from tests.telemetry import make
from zaitu.telemetry import public as telemetry
from zaitu.telemetry.models import TerminalCommand

TEXT = {"text": "前方修路，请走 G42", "speak": True}


def ask(number, kind="text", **parameters):
    asked = parameters or (TEXT if kind == "text" else {})
    return telemetry.command_send(actor=make.ACTOR, terminal=number, kind=kind, parameters=asked)


def row(command):
    return TerminalCommand.objects.get(pk=command.id)


def reply(wire, message, result=0, *, msg_id=None):
    body = struct.pack(">HHB", message.header.serial, msg_id or message.header.msg_id, result)
    wire.send(wire.uplink.frame(0x0001, body)[1])


def ended(command, seconds=5.0):
    """(state, why) once it is open no more."""
    make.eventually(lambda: row(command).state not in {"queued", "sent"}, seconds)
    return row(command).state, row(command).why


def nothing_comes(wire, seconds=0.6):
    with pytest.raises(TimeoutError):
        wire.receive(seconds)
    return True
