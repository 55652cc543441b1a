"""Sensors over MQTT: temperature, humidity, shock; as plain JSON (plain.py) or SenML (senml.py, RFC 8428).

Values are checked where they are read: a probe that cannot be right is None, a payload that cannot be read is a SensorError.
"""

import json
from datetime import datetime
from typing import Any

from zaitu.telemetry.codecs.sensors.plain import plain_read
from zaitu.telemetry.codecs.sensors.readings import PAYLOAD_MAX, Sensed, SensorError
from zaitu.telemetry.codecs.sensors.senml import is_senml, senml_read

__all__ = ["Sensed", "SensorError", "payload_read"]


def payload_read(payload: bytes, *, now: datetime) -> tuple[Sensed, ...]:
    """A message's readings, by device and time in the order sent. `now` (aware) is what relative times of SenML count from.

    Raises SensorError.
    """
    if len(payload) > PAYLOAD_MAX:
        raise SensorError("too_long", f"{len(payload)} bytes, at most {PAYLOAD_MAX}")
    try:
        content: Any = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise SensorError("not_json", "the payload is not JSON") from error
    return senml_read(content, now=now) if is_senml(content) else plain_read(content)
