"""What a connection may do and for how long. Tests shorten the times."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    connections: int = 20_000
    locks: int = 5_000
    """Connections of electronic locks on their own port."""
    lock_idle_s: float = 3_600.0
    """Of such a lock that is let in, without a byte: a lock at rest reports every half hour."""
    authenticate_s: float = 60.0
    """From connecting to a right 0x0102; then closed."""
    idle_s: float = 300.0
    """Without one whole frame; terminals send a heartbeat every 30 to 180 s."""
    half_frame_s: float = 30.0
    """From the first byte of a frame to its last."""
    unread_s: float = 20.0
    """Answers lying unread in our buffer."""
    unread_bytes: int = 64 * 1024
    bad_frames: int = 50
    """In a row; then it is no JT/T 808 device."""
    junk_bytes: int = 16 * 1024
    """Before the first delimiter."""
    refusals: int = 5
    """Registrations and codes refused on one connection."""
    set_aside: int = 20
    """Frames kept in quarantine from one connection: before it authenticates, or with bytes that are no position; more are counted."""
    waiting: int = 256
    """Frames of one connection that its session has yet to read; more close it."""
    command_look_s: float = 3.0
    """Between two looks for commands that nobody told of."""
    command_answer_s: float = 60.0
    """For a terminal to answer a command on the connection it was sent by."""
