"""Jointech electronic locks: JT701 and JT701D (`$` binary and bracketed text), JT707 and JT709 on the 808 wire.

framing   bytes of a stream → frames of all three forms
binary    `$` frames
text      bracketed sentences; sublocks: what a lock's own radio gathers
wire      7e frames: 0x5501, 0x5502, and JT/T 808
report    what has been told, and its acknowledgement
claims    Report → JSON object (`zaitu decode elock`)
"""

from zaitu.telemetry.codecs.elock.binary import binary_read
from zaitu.telemetry.codecs.elock.framing import Deframer
from zaitu.telemetry.codecs.elock.report import ElockError, Report, answer_of
from zaitu.telemetry.codecs.elock.text import text_read
from zaitu.telemetry.codecs.elock.wire import wire_read

__all__ = ["Deframer", "ElockError", "Report", "answer_of", "decode"]


def decode(frame: bytes) -> Report:
    """One frame with what it begins and ends with. Raises ElockError."""
    if frame.startswith(b"$"):
        return binary_read(frame)
    if frame.startswith(b"("):
        return text_read(frame)
    if frame.startswith(b"\x7e") and frame.endswith(b"\x7e") and len(frame) > 1:
        return wire_read(frame[1:-1])
    raise ElockError("not_elock", "a frame begins with $, ( or 7e")
