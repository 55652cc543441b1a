"""Metrics of the gateway; processes share them by files (zaitu/kernel/metrics.py)."""

from typing import Final

from prometheus_client import Gauge

from zaitu.kernel.metrics import counter, histogram

FRAMES: Final = counter("jt808_frames", "Frames read, by message id", ["msg_id"])
BAD_FRAMES: Final = counter(
    "jt808_bad_frames", "Frames that could not be read and were dropped, by cause", ["code"]
)
CLOSED: Final = counter("jt808_closed", "Connections the gateway closed, by cause", ["why"])
LOCK_REPORTS: Final = counter(
    "elock_reports", "Reports of electronic locks read on their port", ["form", "kind"]
)
PARTS: Final = counter("jt808_parts", "Messages in several frames, and parts asked for again", ["what"])
PARTS_HELD: Final = Gauge(
    "zaitu_jt808_parts_held_bytes", "Bytes held of unfinished messages", multiprocess_mode="livesum"
)
READINGS: Final = counter("sensor_readings", "Readings of sensors, by what became of them", ["outcome"])
BROKER: Final = Gauge(
    "zaitu_sensor_broker", "1 while the sensors' broker is connected", multiprocess_mode="livemax"
)
ACK_S: Final = histogram("jt808_ack_s", "From a frame read to its acknowledgement sent, seconds")
COMMANDS: Final = counter("jt808_commands", "Commands to terminals ended, by outcome", ["outcome"])
SESSIONS: Final = Gauge("zaitu_jt808_sessions", "Connections now", multiprocess_mode="livesum")
AUTHENTICATED: Final = Gauge("zaitu_jt808_terminals", "Terminals connected now", multiprocess_mode="livesum")
