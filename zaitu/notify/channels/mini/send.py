"""One try to hand one subscription message to the mini-program."""

from django.conf import settings

from zaitu.notify.channels.wechat.apps import MINI
from zaitu.notify.channels.wechat.client import Client
from zaitu.notify.domain.delivery import Answer
from zaitu.notify.domain.parcels import Parcel


class Sender:
    """Each message uses up one acceptance of its template."""

    provider = "mini"

    def __init__(self) -> None:
        self._client = Client(MINI)

    def __call__(self, parcel: Parcel) -> Answer:
        """Offer the message; never raises for what WeChat may do."""
        page = page_of(settings.ZAITU_MINI_PAGE, parcel)
        return self._client.send(
            parcel,
            path="/cgi-bin/message/subscribe/send",
            more={"miniprogram_state": settings.ZAITU_MINI_STATE, "lang": "zh_CN"}
            | ({"page": page} if page else {}),
            credit=True,
        )

    def tidy(self) -> None: ...

    def close(self) -> None:
        self._client.close()


def page_of(page: str, parcel: Parcel) -> str:
    """The page with the shipment in it; both that are put in are made of letters and digits that need no quoting."""
    _, _, token = parcel.said.link.rpartition("/k/")
    return page.replace("{waybill}", parcel.waybill).replace("{token}", token)
