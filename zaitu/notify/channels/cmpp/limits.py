"""What CMPP gateways take: the same as all operators' (operators/limits.py)."""

from zaitu.notify.channels.operators.limits import TEXT_MOST, submitted, template_refused

__all__ = ["TEXT_MOST", "submitted", "template_refused"]
