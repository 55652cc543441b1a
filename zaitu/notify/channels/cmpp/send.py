"""SMS over CMPP."""

from django.conf import settings

from zaitu.notify.channels.cmpp.account import account
from zaitu.notify.channels.cmpp.dialect import Cmpp
from zaitu.notify.channels.operators.send import OperatorSender


class Sender(OperatorSender):
    provider = Cmpp.provider

    def __init__(self) -> None:
        found = account(settings.ZAITU_CMPP_URL)
        super().__init__(Cmpp(found), found.place)
