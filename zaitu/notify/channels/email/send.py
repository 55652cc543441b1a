"""One try to hand one message to the mail server."""

import smtplib
from email.utils import formatdate, parseaddr
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import BadHeaderError, SafeMIMEMultipart, sanitize_address
from django.template.loader import render_to_string

from zaitu.kernel import clock
from zaitu.notify.channels.email import answers, lines
from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.words import people_time, words


class Sender:
    """Hands mails to the mail server, several over one line where it allows."""

    provider = ""

    def __init__(self) -> None:
        self._lines = lines.Lines()

    def __call__(self, parcel: Parcel) -> Answer:
        """Offer the message; never raises for what a mail server may do."""
        try:
            mail = compose(parcel)
            sender, receiver = _envelope(mail)
        except (BadHeaderError, ValueError):
            return Answer(verdict=Verdict.NEVER, note="收件地址不正确")
        body = cast("SafeMIMEMultipart", mail.message()).as_bytes(linesep="\r\n")
        server = self._lines.begun(sender, len(body))
        if server is not None:
            return self._offered(server, receiver, body)
        try:
            server = lines.connected(urlsplit(settings.ZAITU_SMTP_URL))
        except (smtplib.SMTPException, OSError) as error:
            return answers.before_mail(error)
        return self._offered(server, receiver, body, new_from=sender)

    def _offered(self, server: smtplib.SMTP, receiver: str, body: bytes, *, new_from: str = "") -> Answer:
        """`new_from`: who sends, where the line is new and has not been told."""
        try:
            if new_from:
                lines.begin(server, new_from, len(body))
            lines.finish(server, receiver, body)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            # What the server now thinks of this line differs from server to server: a new one is the same everywhere.
            lines.farewell(server)
            return answers.during_mail(error)
        self._lines.keep(server)
        return Answer(verdict=Verdict.TAKEN, code=250, note="发信服务器已接收")

    def tidy(self) -> None:
        self._lines.hang_up(idle_s=lines.IDLE_S)

    def close(self) -> None:
        self._lines.hang_up()


def compose(parcel: Parcel) -> EmailMultiAlternatives:
    """The mail as people get it: plain text and HTML saying the same. The Message-ID is the same at every try."""
    told = words(
        parcel.kind,
        waybill=parcel.waybill,
        params={key: str(value) for key, value in parcel.words.items()},
        at=clock.local(parcel.at),
    )
    sender_name, sender = parseaddr(settings.ZAITU_MAIL_FROM)
    context = {
        "told": told,
        "company": parcel.company or sender_name or sender,
        "hotline": parcel.hotline,
        "preferences": parcel.preferences,
        "sent_at": people_time(clock.local(clock.now())),
    }
    domain = sender.rpartition("@")[2] or "localhost"
    mail = EmailMultiAlternatives(
        subject=told.subject,
        body=render_to_string("notify/email.txt", context),
        from_email=settings.ZAITU_MAIL_FROM,
        to=[parcel.address],
        headers={
            "Message-ID": f"<{parcel.id}@{domain}>",
            "Date": formatdate(clock.now().timestamp()),
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string("notify/email.html", context), "text/html")
    mail.message()  # Raises BadHeaderError here, where the address can still be blamed.
    return mail


def _envelope(mail: EmailMultiAlternatives) -> tuple[str, str]:
    """The bare addresses of sender and receiver, international domains in punycode."""
    sender, receiver = (
        parseaddr(sanitize_address(text, "utf-8"))[1] for text in (mail.from_email, mail.to[0])
    )
    return sender, receiver
