"""JT/T 808-2011, -2013 and -2019, frame by frame: the readable form that faster ones are compared with.

framing   bytes of a stream → frames, escapes, checksum
header    who, what, which part of how many
parts     messages that come in several frames, put together
location  the 28-byte position block and the batch of them (0x0704)
items     what follows the block; profiles, locks: what makers mean by it
alarms    which bits are edges and which are levels; names: what bits are called
layout    bodies as tables; catalogue, parameters, areas: the tables
messages  a frame → Message
encode    bodies and frames, for both ends
claims    Message → JSON object (`zaitu decode jt808`)
"""

from zaitu.telemetry.codecs.jt808.framing import Deframer, FrameError
from zaitu.telemetry.codecs.jt808.header import Header
from zaitu.telemetry.codecs.jt808.messages import Message, Result, decode

__all__ = ["Deframer", "FrameError", "Header", "Message", "Result", "decode"]
