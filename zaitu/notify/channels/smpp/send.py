"""SMS over SMPP."""

from django.conf import settings

from zaitu.notify.channels.operators.send import OperatorSender
from zaitu.notify.channels.smpp.account import account
from zaitu.notify.channels.smpp.dialect import Smpp


class Sender(OperatorSender):
    provider = Smpp.provider

    def __init__(self) -> None:
        found = account(settings.ZAITU_SMPP_URL)
        super().__init__(Smpp(found), found.place)
