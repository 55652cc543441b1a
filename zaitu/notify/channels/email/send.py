"""One try to hand one message to the mail server."""

import smtplib
import ssl
from contextlib import suppress
from email.utils import formatdate, parseaddr
from functools import cache
from typing import Final, cast
from urllib.parse import SplitResult, unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import BadHeaderError, SafeMIMEMultipart, sanitize_address
from django.template.loader import render_to_string

from zaitu.kernel import clock
from zaitu.notify.channels.email import answers
from zaitu.notify.domain.delivery import Answer, Verdict
from zaitu.notify.domain.parcels import Parcel
from zaitu.notify.domain.words import people_time, words

TIMEOUT_S: Final = 15
_SUBMISSION: Final = 587
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def send(parcel: Parcel) -> Answer:
    """Offer the message; never raises for what a mail server may do."""
    try:
        mail = compose(parcel)
    except (BadHeaderError, ValueError):
        return Answer(verdict=Verdict.NEVER, note="收件地址不正确")
    try:
        server = _connected(urlsplit(settings.ZAITU_SMTP_URL))
    except (smtplib.SMTPException, OSError) as error:
        return answers.before_mail(error)
    try:
        server.sendmail(*_envelope(mail), cast("SafeMIMEMultipart", mail.message()).as_bytes(linesep="\r\n"))
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        return answers.during_mail(error)
    finally:
        _farewell(server)
    return Answer(verdict=Verdict.TAKEN, code=250, note="发信服务器已接收")


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
        "company": sender_name or sender,
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


def _connected(url: SplitResult) -> smtplib.SMTP:
    """A signed-in connection, encrypted whenever the server can; a password never crosses a network in the clear."""
    host = url.hostname or "localhost"
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_S, context=_tls())
    else:
        server = smtplib.SMTP(host, url.port or _SUBMISSION, timeout=TIMEOUT_S)
    try:
        server.ehlo_or_helo_if_needed()
        if url.scheme != "smtps" and host not in _LOOPBACK:
            must = bool(url.username) or url.port in (None, _SUBMISSION)
            if must or server.has_extn("starttls"):
                server.starttls(context=_tls())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _farewell(server: smtplib.SMTP) -> None:
    """QUIT, which may fail when the server has hung up; the message's fate is known by then."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
