"""What WeChat allows."""

from typing import Final

TIMEOUT_S: Final = 10.0
"""Of each wait for an answer."""
CONNECT_S: Final = 5.0
DAY_TEMPLATE: Final = 100_000
"""Template messages of a service account a day."""
DAY_SUBSCRIBE: Final = 10_000_000
"""Subscription messages of a mini-program a day without WeChat Pay; 30 million with it."""
TEMPLATES: Final = 25
FORCED_EVERY_S: Final = 60
"""Between two tokens that we make WeChat give before their time: it allows 20 a day, 30 s apart."""
TOKEN_MARGIN_S: Final = 240
"""Before a token ends: WeChat gives a new one from 300 s on, and the old one works until its end."""
CALLBACK_WINDOW_S: Final = 300
"""How far a callback's timestamp may be from our clock; WeChat repeats within 15 s."""
CALLBACK_BYTES: Final = 64 * 1024
