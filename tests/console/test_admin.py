"""Users, keys, webhooks, customers, the record: what administrators and managers do."""

import pytest
from django.apps import apps
from django.test import Client

from tests.access import make as people
from tests.console import make
from tests.customers import make as customers
from tests.notify import make as notices
from zaitu.access.models import ApiKey, AuditEntry, User
from zaitu.access.public import principal_of_key
from zaitu.console.access.changes import FIELDS, HIDDEN, TABLES
from zaitu.customers.models import Contact, Customer
from zaitu.kernel.errors import NotAuthenticated
from zaitu.kernel.history import Version
from zaitu.kernel.principal import system
from zaitu.notify import public as notify
from zaitu.notify.models import Message, StaffRobot, WebhookEndpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return make.signed_in("administrator")


def shown(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_new_user_signs_in_with_the_password_given(client):
    new = {
        "username": "Han.Mei",
        "name": "韩梅梅",
        "roles": ["service", "warehouse"],
        "team": "夜班",
        "password": people.PASSWORD,
    }
    assert client.post("/console/users/new", new).status_code == 302
    text = shown(client.get("/console/users?q=韩梅"))
    assert "客服、仓库" in text
    assert "夜班" in text
    assert (
        Client().post("/console/sign-in", {"username": "han.mei", "password": people.PASSWORD}).status_code
        == 302
    )


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("username", {"username": "a"}),
        ("roles", {"roles": []}),
        ("roles", {"roles": ["link"]}),
        ("password", {"password": ""}),
        ("password", {"password": "1"}),
        ("station_code", {"station_code": "NOWHERE"}),
        ("station_code", {"station_code": "S" * 21}),
        ("team", {"team": "夜" * 61}),
    ],
)
def test_a_wrong_user_is_refused_at_the_field(client, field, wrong):
    new = {"username": "han.mei", "roles": ["service"], "password": people.PASSWORD} | wrong
    answer = client.post("/console/users/new", new)
    assert answer.status_code == 422
    assert (
        "field-error"
        in answer.content.decode().split(f'id="f-{field}"' if field != "roles" else "<legend>", 1)[1][:2500]
    )
    assert not User.objects.filter(username="han.mei").exists()


def test_a_user_is_switched_off_and_on_again(client):
    people.user("service", username="han.mei")
    address = "/console/users/han.mei/edit"
    assert "checked" in shown(client.get(address))
    client.post(address, {"name": "韩梅梅", "roles": ["service"]})
    assert not User.objects.get(username="han.mei").is_active
    client.post(address, {"name": "韩梅梅", "roles": ["finance"], "active": "1"})
    user = User.objects.get(username="han.mei")
    assert (user.is_active, user.roles) == (True, ["finance"])
    assert user.check_password(people.PASSWORD)


def test_the_last_administrator_cannot_lock_everybody_out(client):
    boss = User.objects.get(roles=["administrator"])
    answer = client.post(f"/console/users/{boss.username}/edit", {"roles": ["service"], "active": "1"})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "至少要有一位在用的管理员" in text
    assert 'name="roles" value="service" checked' in text  # what was chosen is still there


def test_a_key_is_shown_once_works_and_is_revoked(client, django_capture_on_commit_callbacks):
    customers.customer()
    new = {"customer_code": "ACME", "name": "金蝶下单", "scopes": ["orders", "track"], "rate_per_min": "120"}
    raw = shown(client.post("/console/keys/new", new)).split('id="new-key">')[1].split("<")[0]
    assert principal_of_key(raw).customer_code == "ACME"
    assert raw not in shown(client.get("/console/keys"))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/console/keys/{ApiKey.objects.get().prefix}/revoke")
    with pytest.raises(NotAuthenticated):
        principal_of_key(raw)


@pytest.mark.parametrize(
    "wrong",
    [{"customer_code": "NOBODY"}, {"customer_code": ""}, {"scopes": []}, {"name": ""}, {"rate_per_min": "x"}],
)
def test_a_wrong_key_is_refused(client, wrong):
    customers.customer()
    answer = client.post(
        "/console/keys/new", {"customer_code": "ACME", "name": "x", "scopes": ["track"]} | wrong
    )
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_webhook_shows_its_secret_once_and_is_removed(client):
    customers.customer()
    new = {"customer_code": "ACME", "url": "https://hooks.acme.cn/zaitu", "kinds": ["signed"]}
    assert "whsec_" in shown(client.post("/console/webhooks/new", new))
    text = shown(client.get("/console/webhooks"))
    assert "whsec_" not in text
    assert "hooks.acme.cn" in text
    one = WebhookEndpoint.objects.get()
    assert "whsec_" in shown(client.post(f"/console/webhooks/{one.pk}", {"do": "secret"}))
    assert client.post(f"/console/webhooks/{one.pk}", {"do": "test"}).status_code == 302
    client.post(f"/console/webhooks/{one.pk}", {"do": "remove"})
    assert "hooks.acme.cn" not in shown(client.get("/console/webhooks"))
    assert client.get(f"/console/webhooks/{one.pk}").status_code == 404


def test_a_webhook_is_switched_off_and_on_and_its_deliveries_are_listed_and_sent_again(client):
    customers.customer()
    view, _secret = notices.endpoint("https://hooks.acme.cn/zaitu", customer_code="ACME")
    page = f"/console/webhooks/{view.id}"
    notify.tell(actor=system("test"), notice=notices.notice(customer_code="ACME", waybill="ZT1"))
    client.post(page, {"do": "test"})
    text = shown(client.get(page))
    assert text.index("测试消息") < text.index("发车通知"), "newest first"
    assert client.post(page, {"do": "test"}).status_code == 409
    client.post(page, {"do": "disable"})
    text = shown(client.get(page))
    assert "已由管理方停用" in text
    assert "已放弃" in text
    again = {"message": str(Message.objects.get(purpose="departed").pk)}
    refused = client.post(f"{page}/redeliver", again)
    assert (refused.status_code, "请先启用" in refused.content.decode()) == (409, True)
    client.post(page, {"do": "enable"})
    assert "重发" in shown(client.get(page))
    assert client.post(f"{page}/redeliver", again).status_code == 302
    assert Message.objects.get(purpose="departed").state == "queued"
    assert client.post(f"{page}/redeliver", {"message": "none"}).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"customer_code": "NOBODY"},
        {"url": "ftp://x"},
        {"url": "https://user:pass@acme.cn/"},
        {"kinds": ["test"]},
    ],
)
def test_a_wrong_webhook_is_refused(client, wrong):
    customers.customer()
    answer = client.post(
        "/console/webhooks/new", {"customer_code": "ACME", "url": "https://hooks.acme.cn/z"} | wrong
    )
    assert answer.status_code == 422
    assert not WebhookEndpoint.objects.exists()


def test_a_customer_is_made_found_and_changed():
    service = make.signed_in("service")
    service.post("/console/customers/new", {"code": "ACME", "name": "江南精密仪器", "kind": "contract"})
    assert "江南精密仪器" in shown(service.get("/console/customers?q=精密"))
    service.post("/console/customers/ACME/edit", {"name": "江南仪器", "kind": "retail"})
    customer = Customer.objects.get()
    assert (customer.name, customer.kind, customer.active) == ("江南仪器", "retail", False)
    assert service.post("/console/customers/new", {"code": "?", "name": "", "kind": "x"}).status_code == 422


def test_a_person_is_erased_on_request():
    customers.contact()
    manager = make.signed_in("manager")
    assert manager.post("/console/customers/erase", {"phone": "123", "reason": "本人申请"}).status_code == 422
    assert manager.post("/console/customers/erase", {"phone": "13812345678", "reason": ""}).status_code == 422
    assert Contact.objects.get().erased_at is None
    assert (
        manager.post("/console/customers/erase", {"phone": "138 1234 5678", "reason": "本人申请"}).status_code
        == 302
    )
    assert Contact.objects.get().erased_at is not None
    assert "已删除 1 条联系人信息" in shown(manager.get("/console/customers"))


def test_the_record_is_filtered_and_tells_before_and_after(client):
    people.user("service", username="han.mei")
    client.post("/console/users/han.mei/edit", {"name": "韩梅梅", "roles": ["finance"], "active": "1"})
    text = shown(client.get("/console/audit?subject=han.mei"))
    assert "修改用户" in text
    assert "user.update" not in text.split("<tbody>")[1]
    entry = AuditEntry.objects.get(action="user.update")
    changed = shown(client.get(f"/console/audit/{entry.pk}", headers={"HX-Request": "true"}))
    for said in ("<b>用户</b>", "姓名", "韩梅梅", "角色", "客服", "财务"):
        assert said in changed
    for raw in ("access.user", "roles", "finance", "is_active"):
        assert raw not in changed
    assert "没有符合的记录" in shown(client.get("/console/audit?subject=nobody"))


def test_a_partner_s_key_is_shown_once_and_listed_by_the_partner_s_name():
    client = make.signed_in("administrator")
    answer = client.post("/console/keys/partner", {"partner": "顺丰速运", "partner_name": "事件回传"})
    assert "zk_" in answer.content.decode()
    text = client.get("/console/keys").content.decode()
    assert "zk_" not in text
    for said in ("顺丰速运", "事件回传", "上报事件", "合作方"):
        assert said in text
    key = ApiKey.objects.get()
    assert (key.partner, key.customer_code, key.scopes) == ("顺丰速运", "", ["epcis", "partner_events"])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"partner": ""}, "请填写合作方名称"),
        ({"partner": "顺" * 33}, "合作方名称最多 32 个字"),
        ({"partner_name": ""}, "请写明用途"),
        ({"partner_rate": "0"}, "每分钟 1–60000 次"),
        ({"partner_rate": "many"}, "请填写整数"),
    ],
)
def test_what_is_wrong_with_a_partner_s_key_is_said_at_its_field(typed, said):
    answer = make.signed_in("administrator").post(
        "/console/keys/partner", {"partner": "顺丰速运", "partner_name": "事件回传"} | typed
    )
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not ApiKey.objects.exists()


def test_every_complaint_about_a_new_user_comes_at_once(client):
    form = {"username": "A B", "password": "123", "station_code": "NOWHERE"}
    answer = client.post("/console/users/new", form)
    assert answer.status_code == 422
    text = answer.content.decode()
    for said in (
        "用户名为 3–40 位",
        "至少选择一个角色",
        "密码至少 10 位",
        "没有这个站点，请从列表中选择",
        "请看标红的地方",
    ):
        assert said in text
    assert not User.objects.filter(username="a b").exists()


def test_every_table_and_field_that_is_kept_in_versions_has_words():
    own = {field.name for field in Version._meta.get_fields()} | {"pgh_obj"}
    versions = [model for model in apps.get_models() if issubclass(model, Version)]
    tables = {model.pgh_tracked_model._meta.label_lower for model in versions}
    fields = {field.name for model in versions for field in model._meta.concrete_fields} - own - HIDDEN
    assert tables == set(TABLES)
    assert fields == {name for name in FIELDS if "." not in name}


def test_an_address_for_notices_is_asked_for_with_its_customer_at_once(client):
    text = client.post("/console/webhooks/new", {}).content.decode()
    assert "请选择客户" in text
    assert "请填写网址" in text


def test_a_robot_is_added_tried_switched_off_and_removed_without_its_token_on_any_page(client):
    url = "https://oapi.dingtalk.com/robot/send?access_token=secret-token-1"
    new = {"name": "西南值班群", "url": url, "secret": "SECabc", "kinds": ["exception", "system"]}
    added = client.post("/console/robots/new", new)
    one = StaffRobot.objects.get()
    assert (added.status_code, added["Location"]) == (302, f"/console/robots/{one.pk}")
    page = f"/console/robots/{one.pk}"
    for text in (shown(client.get("/console/robots")), shown(client.get(page))):
        assert "西南值班群" in text
        assert "钉钉" in text
        assert "运输异常、系统" in text
        assert "secret-token-1" not in text
        assert "SECabc" not in text
    assert client.post(page, {"do": "test"}).status_code == 302
    assert client.post(page, {"do": "test"}).status_code == 409
    assert "在途测试消息" in shown(client.get(page))
    client.post(page, {"do": "disable"})
    text = shown(client.get(page))
    assert "已由管理方停用" in text
    assert "已放弃" in text
    client.post(page, {"do": "enable"})
    assert StaffRobot.objects.get().disabled_at is None
    client.post(page, {"do": "remove"})
    assert "西南值班群" not in shown(client.get("/console/robots"))
    assert client.get(page).status_code == 404
    actions = set(AuditEntry.objects.filter(subject=f"robot:{one.pk}").values_list("action", flat=True))
    assert actions == {"robot.create", "robot.test", "robot.disable", "robot.enable", "robot.remove"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"url": "https://evil.example/robot/send?access_token=secret-token-1"},
            "请粘贴企业微信、钉钉或飞书",
        ),
        ({"name": ""}, "名称为 1–40 个字"),
        ({"kinds": ["weather"]}, "没有这种提醒"),
    ],
)
def test_a_wrong_robot_is_refused_and_its_secret_not_sent_back(client, wrong, said):
    url = "https://oapi.dingtalk.com/robot/send?access_token=secret-token-1"
    answer = client.post("/console/robots/new", {"name": "群", "url": url, "secret": "SECabc"} | wrong)
    text = answer.content.decode()
    assert (answer.status_code, said in text, "SECabc" in text) == (422, True, False)
    assert not StaffRobot.objects.exists()
