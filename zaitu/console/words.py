"""Roles, rights, recorded actions and notices in people's words."""

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zaitu.access.public import Role
from zaitu.kernel.principal import Right

_ROLES: Final[dict[Role, Any]] = {
    Role.SERVICE: _("客服"),
    Role.DISPATCH: _("调度"),
    Role.WAREHOUSE: _("仓库"),
    Role.DRIVER: _("司机"),
    Role.FINANCE: _("财务"),
    Role.MANAGER: _("主管"),
    Role.ADMINISTRATOR: _("管理员"),
    Role.CUSTOMER: _("客户接口"),
    Role.PARTNER: _("合作方接口"),
    Role.LINK: _("链接访客"),
}
_RIGHTS: Final[dict[Right, Any]] = {
    Right.COMPANY_EDIT: _("修改公司信息"),
    Right.USERS_MANAGE: _("管理用户"),
    Right.KEYS_MANAGE: _("管理接口密钥"),
    Right.LINKS_ISSUE: _("签发查询链接"),
    Right.AUDIT_READ: _("查看操作记录"),
    Right.PERSONAL_READ: _("查看完整联系信息"),
    Right.PERSONAL_CARRIED: _("查看本人承运货物的联系信息"),
    Right.NETWORK_READ: _("查看基础资料"),
    Right.NETWORK_EDIT: _("修改基础资料"),
    Right.CUSTOMERS_READ: _("查看客户"),
    Right.CUSTOMERS_EDIT: _("修改客户"),
    Right.TERMINALS_MANAGE: _("管理车载终端"),
    Right.COMMANDS_TELL: _("给司机发文字、查询位置"),
    Right.COMMANDS_MANAGE: _("设置和控制车载终端"),
    Right.GATEWAY_READ: _("查看网关流量"),
    Right.POSITIONS_READ: _("查看车辆位置"),
    Right.ORDERS_CREATE: _("下单"),
    Right.SHIPMENTS_READ: _("查看运单"),
    Right.SHIPMENTS_CORRECT: _("更正运单"),
    Right.TRIPS_PLAN: _("安排车次"),
    Right.SCAN_WAREHOUSE: _("仓库扫描"),
    Right.SCAN_ROAD: _("在途扫描"),
    Right.PROBLEM_REPORT: _("登记异常"),
    Right.LABELS_PRINT: _("打印标签"),
    Right.WEBHOOKS_MANAGE: _("管理推送地址"),
    Right.ROBOTS_MANAGE: _("管理群机器人"),
    Right.MESSAGES_READ: _("查看通知"),
    Right.TEMPLATES_EDIT: _("修改短信与消息模板"),
    Right.TRACK_EXACT: _("查看精确位置"),
    Right.PARTNER_EVENTS: _("上报合作方事件"),
    Right.TALK: _("留言"),
    Right.DESK_READ: _("查看会话"),
    Right.DESK_ANSWER: _("回复客户"),
    Right.CALLS_ANSWER: _("接听热线"),
    Right.CALLS_READ: _("查看与接听来电"),
}


def role_name(role: Role | str) -> str:
    """调度; codes that are no role give an empty text."""
    return str(_ROLES.get(Role(role), "")) if role in set(Role) else ""


def right_name(right: Right) -> str:
    return str(_RIGHTS[right])


_ACTIONS: Final[dict[str, Any]] = {
    "company.put": _("修改公司信息"),
    "user.create": _("新建用户"),
    "user.update": _("修改用户"),
    "user.password": _("修改密码"),
    "user.sign_in": _("登录"),
    "team.put": _("修改班组"),
    "team.join": _("加入班组"),
    "team.leave": _("移出班组"),
    "team.remove": _("删除班组"),
    "key.issue": _("签发接口密钥"),
    "key.revoke": _("停用接口密钥"),
    "keys.rewrite": _("用新数据密钥重写"),
    "keys.retire": _("删除旧数据密钥"),
    "link.issue": _("签发查询链接"),
    "links.issue": _("批量签发查询链接"),
    "link.revoke": _("撤销查询链接"),
    "personal.read": _("查看个人信息"),
    "customer.put": _("修改客户"),
    "contact.put": _("登记联系人"),
    "contacts.put": _("批量登记联系人"),
    "contact.erase": _("删除个人信息"),
    "network.import": _("导入资料"),
    "network.export": _("导出资料"),
    "network.create": _("新建基础资料"),
    "network.update": _("修改基础资料"),
    "terminal.bind": _("终端装车"),
    "terminal.unbind": _("终端拆下"),
    "terminal.create": _("接入终端"),
    "terminal.reset": _("终端重新注册"),
    "terminal.command": _("向终端发指令"),
    "terminal.profile": _("修改终端设备方案"),
    "media.read": _("查看终端照片"),
    "simulated.put": _("建立试验车辆"),
    "simulated.forget": _("删除试验车辆"),
    "order.create": _("下单"),
    "order.change": _("修改订单"),
    "epcis.capture": _("提交 EPCIS 事件"),
    "orders.import": _("批量下单"),
    "history.import": _("导入历史运单"),
    "trip.plan": _("安排车次"),
    "trip.assign": _("配载"),
    "trip.cancel": _("取消车次"),
    "trip.finish": _("结束车次"),
    "trip.reopen": _("恢复车次"),
    "scan.undo": _("撤销扫描"),
    "scan.": _("扫描"),
    "event.void": _("撤销事件"),
    "event.": _("登记事件"),
    "events.partner": _("接收合作方事件"),
    "shipment.reopen": _("恢复运单"),
    "shipment.forward": _("转单"),
    "shipment.split": _("拆单"),
    "shipments.export": _("导出运单"),
    "terminals.export": _("导出终端"),
    "file.store": _("上传照片"),
    "desk.": _("处理会话"),
    "desk.import": _("导入历史会话"),
    "desk.said": _("客户留言"),
    "desk.rate": _("客户评价"),
    "desk.answer": _("回复客户"),
    "desk.note": _("写内部备注"),
    "desk.take": _("分派会话"),
    "desk.close": _("关闭工单"),
    "desk.reopen": _("重新打开工单"),
    "field.dismiss": _("放弃离线操作"),
    "template.put": _("修改消息模板"),
    "template.reset": _("恢复默认模板"),
    "webhook.create": _("新建推送地址"),
    "webhook.change": _("修改推送地址"),
    "webhook.remove": _("删除推送地址"),
    "webhook.secret": _("更换推送密钥"),
    "webhook.test": _("测试推送"),
    "webhook.enable": _("启用推送地址"),
    "webhook.disable": _("停用推送地址"),
    "webhook.redeliver": _("重发推送"),
    "trip.stop_void": _("撤销整车到站"),
    "preference.put": _("设置通知方式"),
    "way.open": _("恢复通知方式"),
    "robot.create": _("新建群机器人"),
    "robot.remove": _("删除群机器人"),
    "robot.test": _("测试群机器人"),
    "robot.enable": _("启用群机器人"),
    "robot.disable": _("停用群机器人"),
    "outbox.requeue": _("重新处理事件"),
    "outbox.drop": _("放弃事件"),
}


def action_name(code: str) -> str:
    """登录; what has no words yet is 其他操作, for a code says nothing to people."""
    family = f"{code.partition('.')[0]}."
    return str(_ACTIONS.get(code) or _ACTIONS.get(family) or _("其他操作"))


def action_choices() -> list[tuple[str, str]]:
    return [(code, str(text)) for code, text in _ACTIONS.items()]


_NOTICES: Final[dict[str, Any]] = {
    "accepted": _("下单通知"),
    "departed": _("发车通知"),
    "stop": _("途经通知"),
    "soon": _("即将送达通知"),
    "signed": _("签收通知"),
    "exception": _("异常通知"),
    "correction": _("送达时间变更"),
    "many": _("合并通知"),
    "reply": _("回复通知"),
    "link": _("查询链接"),
    "test": _("测试消息"),
    "alert": _("工作提醒"),
}
_CHANNELS: Final[dict[str, Any]] = {
    "email": _("邮件"),
    "webhook": _("系统推送"),
    "sms": _("短信"),
    "wechat": _("公众号"),
    "mini": _("小程序"),
    "push": _("网页推送"),
    "voice": _("语音电话"),
    "robot": _("工作群"),
}
_NOTICE_STATES: Final[dict[str, Any]] = {
    "held": _("待合并"),
    "bundled": _("已合并"),
    "queued": _("待发送"),
    "sending": _("发送中"),
    "sent": _("已发送"),
    "delivered": _("已送达"),
    "failed": _("发送失败"),
    "given_up": _("已放弃"),
}
_SAID: Final = (
    _("未配置发信服务器"),
    _("中转场"),
    _("网点"),
    _("客户仓"),
    _("厢式货车"),
    _("牵引车"),
    _("面包车"),
    _("挂车"),
    _("请填写姓名"),
    _("请填写城市"),
    _("请填写地址"),
    _("请填写货物名称"),
    _("请填写重量（公斤）"),
    _("请填写体积（立方米）"),
    _("请填写温度（℃）"),
    _("件数须在 1 到 999 之间"),
    _("重量（公斤）须在 0.01 到 100000 之间"),
    _("体积（立方米）须在 0 到 1000 之间"),
    _("请选择始发站"),
    _("请选择目的站"),
    _("请选择产品"),
    _("目的站不能与始发站相同"),
    _("最高温度不能低于最低温度"),
    _("电话须为 11 位手机号、带区号的座机或带国家代码的号码"),
    _("邮箱地址不正确"),
    _("没有这个运单"),
    _("没有这个客户"),
    _("没有这个用户"),
    _("请填写要发给司机的文字，最多 300 字"),
    _("有终端显示不了的字符（如表情符号），请换一种写法"),
    _("请选择显示或播读，至少一项"),
    _("请至少填写一项参数"),
    _("心跳间隔（秒）须在 10 到 3600 之间"),
    _("上报间隔（秒）须在 5 到 3600 之间"),
    _("休眠上报间隔（秒）须在 10 到 86400 之间"),
    _("紧急上报间隔（秒）须在 1 到 600 之间"),
    _("服务器端口须在 1 到 65535 之间"),
    _("服务器地址须为域名或 IP，不带端口，最多 64 个字符"),
    _("请再输入一遍终端号确认：操作不当，终端会失联"),
    _("镜头通道须在 1 到 64 之间"),
    _("请选择站点"),
    _("请选择线路"),
    _("只有车载终端（JT/T 808）能接收指令，请打电话给司机"),
    _("这台终端等待中的指令太多；请等它们完成或过期（10 分钟）后再发"),
    _("这条指令这台终端存不下：围栏或线路跨了半球，或者太大"),
    _("没有这个用户，请从列表中选择"),
    _("已有同名班组"),
    _("请填写班组名称，最多 60 个字"),
    _("没有这个站点"),
    _("合作方单号须为 4–40 位字母、数字或横线"),
    _("请填写合作方名称，最多 32 个字"),
    _("请选择要拆出的货件"),
    _("合作方名称最多 32 个字"),
    _("每分钟 1–60000 次"),
    _("请写明用途，最多 60 个字"),
    _("有标签不属于本运单"),
    _("含已签收的货件"),
    _("至少要留一件在原运单"),
    _("该运单已办结，不能转单"),
    _("该运单已办结，不能拆单"),
    _("运单刚刚改配到其他车次，请刷新后重试"),
    _("已由管理方停用"),
    _("对方已停用此地址（HTTP 410）"),
    _("推送地址已停用"),
    _("推送地址已删除"),
    _("地址指向内部网络，已拒绝发送"),
    _("网址不正确"),
    _("对方没有及时响应"),
    _("对方证书无效"),
    _("连接不上对方"),
    _("对方中断了连接"),
    _("找不到对方主机"),
    _("推送地址已停用，请先启用"),
    _("上一条测试消息还在发送，请稍后再试"),
    _("这条消息还在发送，无需重发"),
    _("这条消息的内容已过保存期，不能重发"),
    _("运单号"),
    _("地点"),
    _("预计送达"),
    _("线路"),
    _("件数"),
    _("签收方式"),
    _("状态"),
    _("公司名称"),
    _("客服电话"),
    _("短链接中的编号"),
    _("查询网址"),
    _("阿里云"),
    _("腾讯云"),
    _("模板有误"),
    _("内容为 1–500 个字"),
    _("花括号没有成对"),
    _("签名由系统加在前面，模板里不能有【】"),
    _("阿里云的模板编号形如 SMS_154950909"),
    _("腾讯云的模板 ID 是一串数字，如 1110"),
    _("请粘贴企业微信、钉钉或飞书机器人的完整 Webhook 地址"),
    _("地址不完整，请从平台上重新复制"),
    _("名称为 1–40 个字"),
    _("企业微信机器人没有加签密钥，请留空"),
    _("密钥不正确，请重新复制"),
    _("没有这种提醒"),
    _("最多 20 个机器人，请先删除不用的"),
    _("机器人已停用，请先启用"),
    _("机器人已停用或已删除"),
    _("机器人每分钟的条数已满，稍后发送"),
    _("请写下回复"),
    _("请写下备注"),
    _("最多 2000 个字"),
    _("客户还在等回复"),
    _("客户还在等回复；不回复就关闭，请写明原因"),
    _("已经关闭"),
    _("没有关闭，不用重新打开"),
    _("没有这个会话"),
    _("没有这个工单"),
    _("没有这张照片"),
)
"""Words of other rooms that have English here."""


def notice_name(kind: str) -> str:
    """发车通知."""
    return str(_NOTICES.get(kind, ""))


def channel_name(channel: str) -> str:
    """邮件."""
    return str(_CHANNELS.get(channel, ""))


def notice_state(state: str) -> str:
    """待发送."""
    return str(_NOTICE_STATES.get(state, ""))


def said(text: str) -> str:
    """What a room says in Chinese, in the reader's language where we have it."""
    return gettext(text) if text else ""


def understood(text: str) -> str:
    """The same; empty when the reader reads English and has none of it."""
    here = said(text)
    return "" if _english() and any("\u4e00" <= letter <= "\u9fff" for letter in here) else here


def _english() -> bool:
    return (get_language() or "").startswith("en")


def listed(names: Iterable[str]) -> str:
    """甲、乙 (A, B in English)."""
    return (", " if _english() else "、").join(name for name in names if name)


_THINGS: Final[dict[str, Any]] = {
    "station": pgettext_lazy("one", "站点"),
    "line": pgettext_lazy("one", "线路"),
    "vehicle": pgettext_lazy("one", "车辆"),
    "driver": _("司机"),
    "product": pgettext_lazy("one", "产品"),
    "terminal": pgettext_lazy("one", "终端"),
    "contact": pgettext_lazy("one", "联系人"),
    "event": pgettext_lazy("one", "事件"),
    "stations": _("站点"),
    "lines": _("线路"),
    "vehicles": _("车辆"),
    "drivers": pgettext_lazy("many", "司机"),
    "products": _("产品"),
    "terminals": _("终端"),
    "bindings": _("终端装车"),
    "shipments": _("运单"),
    "orders": _("运单"),
    "contacts": _("联系人"),
    "history": _("历史运单"),
    "links": _("查询链接"),
}


def subject_name(subject: str) -> str:
    """车辆 沪A12345 from `vehicle:沪A12345`; what is a number or a name already stays."""
    thing, _colon, which = subject.partition(":")
    return f"{_THINGS[thing]} {which}".strip() if thing in _THINGS else subject
