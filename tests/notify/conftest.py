import threading
from collections.abc import Iterator
from datetime import time

import pytest

from tests.notify import wechat_make
from tests.notify.contract_server import running
from tests.notify.receivers import HttpReceiver, MailServer, http_receiver, mail_server
from tests.notify.robots_server import RobotsServer
from tests.notify.sms_cases import CASES, TEXT, Case, url_setting
from tests.notify.sms_server import SmsServer
from tests.notify.sms_server import running as sms_running
from tests.notify.wechat_server import WechatServer
from zaitu.kernel.principal import system
from zaitu.notify import public as notify
from zaitu.notify.domain.preferences import Preference


@pytest.fixture(autouse=True)
def _never_night(monkeypatch) -> None:
    """Whoever has said nothing has no quiet hours here, whatever the clock says."""
    awake = Preference(quiet_from=time(0), quiet_until=time(0))
    for module in ("planning", "preferences"):
        monkeypatch.setattr(f"zaitu.notify.services.{module}.USUAL", awake)


@pytest.fixture
def receiver(settings) -> Iterator[HttpReceiver]:
    settings.ZAITU_WEBHOOK_PRIVATE_ALLOWED = True
    with http_receiver() as running:
        yield running


@pytest.fixture
def mail(settings) -> Iterator[MailServer]:
    with mail_server() as running:
        settings.ZAITU_SMTP_URL = running.url
        settings.ZAITU_MAIL_FROM = "顺驰物流 <no-reply@shunchi.example>"
        yield running


@pytest.fixture
def couriers(transactional_db, monkeypatch) -> Iterator[None]:
    """Couriers running in this process, as in `zaitu couriers`, who look for work more often: two looks are in each test's way."""
    monkeypatch.setattr("zaitu.notify.services.courier._LOOK_S", 0.05)
    stop = threading.Event()
    thread = threading.Thread(target=notify.deliver_until, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join(timeout=30)
    assert not thread.is_alive(), "couriers did not stop"


@pytest.fixture(params=list(CASES))
def sms_case(request) -> Case:
    """Each provider of SMS in turn."""
    return CASES[request.param]


@pytest.fixture
def sms(sms_case, settings) -> Iterator[SmsServer]:
    """Its contract server, and an installation that sends SMS by it."""
    settings.ZAITU_SMS_PROVIDER, settings.ZAITU_SMS_SIGN = sms_case.provider, "顺驰物流"
    for name, value in sms_case.settings.items():
        setattr(settings, name, value)
    with sms_running(sms_case.server()) as server:
        setattr(settings, url_setting(sms_case), server.url)
        yield server


@pytest.fixture
def weixin(settings) -> Iterator[WechatServer]:
    """WeChat, and a service account and a mini-program that are set up; one person follows, and has agreed once."""
    with running(WechatServer()) as server:
        for app in ("WECHAT", "MINI"):
            setattr(settings, f"ZAITU_{app}_APPID", server.appid)
            setattr(settings, f"ZAITU_{app}_SECRET", server.secret)
            setattr(settings, f"ZAITU_{app}_CALLBACK_TOKEN", server.callback.token)
            setattr(settings, f"ZAITU_{app}_AES_KEY", server.callback.aes_key)
        settings.ZAITU_WECHAT_URL = server.url
        settings.ZAITU_MINI_PAGE = "pages/track/index?waybill={waybill}&k={token}"
        server.people, server.followers = {wechat_make.WHO}, {wechat_make.WHO}
        server.templates = {wechat_make.TMPL: wechat_make.FIELDS}
        server.agreed[wechat_make.WHO, wechat_make.TMPL] = 1
        yield server


@pytest.fixture
def sms_template(sms_case, db) -> None:
    """What the provider has approved for departures."""
    notify.template_put(
        actor=system("tests"),
        draft=notify.TemplateDraft(kind="departed", channel="sms", text=TEXT, code=sms_case.code),
    )


@pytest.fixture
def robots(settings) -> Iterator[RobotsServer]:
    with running(RobotsServer()) as server:
        settings.ZAITU_WECOM_URL = settings.ZAITU_DINGTALK_URL = settings.ZAITU_FEISHU_URL = server.url
        yield server
