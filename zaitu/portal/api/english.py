"""The OpenAPI document in English: what the operations and schemas say in Chinese, by that."""

from typing import Any, Final

from zaitu.journey.public import PARTNER_CODES

_OWN: Final = PARTNER_CODES["zaitu"]
_SAFE: Final = "The address is public https; messages are signed as in Standard Webhooks 1.0. "
_SAFE_ZH: Final = "地址须为公网 https；消息按 Standard Webhooks 1.0 签名。"

_SAID: Final = ("summary", "description")
ENGLISH: Final[dict[str, str]] = {
    "下单、轨迹、事件、标签、推送地址、合作方上报。认证：`Authorization: Bearer <密钥>`；错误：RFC 9457 `application/problem+json`；"
    "时间：ISO 8601，北京时间（+08:00）。": "Orders, tracking, events, labels, webhooks, partners' events. Authentication: "
    "`Authorization: Bearer <key>`; errors: RFC 9457 `application/problem+json`; times: ISO 8601, Beijing time (+08:00).",
    # Answers that every operation may give
    "内容不是 JSON": "The body is not JSON",
    "没有密钥或密钥无效": "No key, or not a valid one",
    "密钥没有这个权限": "The key has no such scope",
    "没有这个运单或推送地址，或不是您的": "No such shipment or webhook, or not yours",
    "不支持这种方法": "Method not allowed",
    "内容上传太慢": "The body came too slowly",
    "同一单号已用于另一份内容，或当前状态不允许": "The same reference was used for other content, or the state does not allow it",
    "内容太大": "The body is too large",
    "内容不是 JSON 格式": "The content type is not JSON",
    "内容有误，见 fields": "Something is wrong with the content, see fields",
    "太频繁，见 Retry-After": "Too often, see Retry-After",
    "暂时不可用，请重试": "Not available for the moment, try again",
    # Orders
    "下单": "Place an order",
    "建单并返回预计送达时间与件标签号。重复提交同一 `client_ref`（或 `Idempotency-Key`）返回原单，状态码 200。": "Places an order; "
    "answers its expected arrival and the numbers of its piece labels. The same `client_ref` (or `Idempotency-Key`) again answers the "
    "first order with status 200.",
    "查订单": "Look an order up",
    "本客户的订单；其他单号一律 404。": "Your own orders; any other number is 404.",
    "事件明细": "Events",
    "逐件逐次的全部事件，含来源与撤销。": "Every event of every piece, with its source and whether it was voided.",
    "件标签 PDF": "Piece labels as PDF",
    "100×150 mm，一件一页，含 Code 128 与二维码；`first`、`last` 为件序号。": "100×150 mm, one page a piece, with Code 128 and QR code; "
    "`first` and `last` are piece numbers.",
    "检查密钥": "Check the key",
    "密钥可用时返回它属于谁、能做什么。": "For a valid key: whose it is and what it may do.",
    "件标签号": "Numbers of the piece labels",
    "贵方单号：同一单号重复提交只建一单。也可用请求头 Idempotency-Key 代替。": "Your reference: the same one makes one order only. "
    "The header Idempotency-Key may take its place.",
    "服务产品编码": "Code of the service product",
    "始发站编码": "Code of the station of origin",
    "目的站编码": "Code of the destination station",
    "复核明细": "Items to be rechecked",
    "11 位手机号，或带区号的座机": "Mobile number of 11 digits, or a landline with its area code",
    "发生时间": "When it happened",
    "录入时间": "When it was recorded",
    "已撤销": "Voided",
    "最新在前": "Newest first",
    "合作方的密钥为空": "Empty for a partner's key",
    "合作方的密钥：转单时登记的合作方名称": "A partner's key: the partner's name as forwardings have it",
    "每分钟最多请求次数": "Requests a minute at most",
    # Webhooks
    "推送地址列表": "List webhooks",
    "本客户的推送地址，最多 10 个。": "Your webhooks, 10 at most.",
    "添加推送地址": "Add a webhook",
    f"{_SAFE_ZH}`secret`（`whsec_…`）用于验签，只在这次返回。": f"{_SAFE}`secret` (`whsec_…`) verifies them and is answered this once.",
    "查推送地址": "Look a webhook up",
    "修改推送地址": "Change a webhook",
    f"{_SAFE_ZH}停用的会重新启用；密钥不变。": f"{_SAFE}One that was switched off is on again; the secret stays.",
    "删除推送地址": "Remove a webhook",
    "还没有发出的消息不再发送。": "Messages not sent yet are not sent any more.",
    "更换密钥": "Renew the secret",
    "旧密钥立即失效；新密钥只在这次返回。": "The old one is void at once; the new one is answered this once.",
    "停用推送地址": "Switch a webhook off",
    "等待中的消息不再发送，停用期间的事件不补发。": "Waiting messages are not sent, and what happens meanwhile is not sent later.",
    "启用推送地址": "Switch a webhook on",
    "发送测试消息": "Send a test",
    "排入一条 `endpoint.test`；结果见推送记录。上一条还在发送时返回 409。": "Queues one `endpoint.test`; its result is among the "
    "deliveries. 409 while the last test is still being sent.",
    "推送记录": "Deliveries",
    "最近 7 天，最新在前，每页 50 条，含每次尝试和对方的应答。": "The last 7 days, newest first, 50 a page, with every try and its answer.",
    "重发一条消息": "Send a message again",
    "以原来的 `webhook-id` 再发一次；还在发送、地址已停用或内容已过保存期时返回 409。": "Once more under its own `webhook-id`; 409 while it "
    "is being sent, the webhook is off, or the content has passed its days.",
    "空为全部": "Empty: all",
    "停用的原因": "Why it is off",
    "对方暂时不通，到此时继续推送": "It does not answer now; notices go on at this time",
    "最近一次成功": "Last success",
    "验签密钥 `whsec_…`，只显示这一次": "Secret `whsec_…` to verify with, shown this once",
    "公网 https 地址": "Public https address",
    "要接收的通知；空为全部": "Notices to receive; empty: all",
    "测试消息为空": "Empty for a test",
    "事件发生时间": "When the event happened",
    "下一次尝试": "Next try",
    "HTTP 状态码；0 为没有应答": "HTTP status; 0: no answer",
    # Partners
    "上报事件（合作方）": "Tell events (partners)",
    "合作方的密钥（`partner_events`）上报转给自己的运单的事件，一次 1–500 条，逐条返回结果："
    "`accepted` 已登记，`duplicate` 以前报过，`refused` 未登记（见 `code` 与 `reason`）。"
    "没有转给贵方的单号与不存在的单号回答相同。整批可以原样重发。": "A partner's key (`partner_events`) tells events of shipments forwarded to "
    "that partner, 1–500 at once, each answered: `accepted` is recorded, `duplicate` was told before, `refused` is not recorded (see "
    "`code` and `reason`). A number not forwarded to you is answered as one that does not exist. A batch may be sent again as it is.",
    "拒绝原因的稳定编码；接受时为空": "Stable code of the refusal; empty when accepted",
    "与请求同序，逐条对应": "One for each event, in their order",
    "贵方的事件编号：同一运单的同一 id 只记一次": "Your id of the event: recorded once a shipment",
    "我方运单号，或转单时登记的贵方单号": "Our waybill, or your number as it was forwarded",
    "状态代码；代码表见 codes": "Status code, of the list in codes",
    f"代码表。zaitu：{'、'.join(_OWN)}。其他表中没有的代码按运输中登记。": f"Code list. zaitu: {', '.join(_OWN)}. Codes that another list "
    "does not have are recorded as on the way.",
    "发生时间，ISO 8601 带时区；30 天内": "When it happened, ISO 8601 with its offset; within 30 days",
    "我方站点编码；在别处时请写 place": "Code of our station; elsewhere give place",
    "地点，如“成都武侯营业部”；客户看不到": "Place, e.g. “成都武侯营业部”; customers do not see it",
    "原文；客户看不到，手机号会隐去": "Your own words; customers do not see them, phone numbers are masked",
    # The hotline's node
    "呼叫中心在通话的每一步调用：交来按键或说的话，得到要播报的话。认证：`Authorization: Bearer <密钥>`（`hotline` 权限）。": "A call centre calls it at "
    "each step of a call with what was keyed or said, and is told what to say. Authentication: `Authorization: Bearer <key>` with the scope "
    "`hotline`.",
    "通话的一步": "One step of a call",
    "同一通话的各步可由任何进程回答。挂断后再提交，回答最后一步。": "Any process answers any step. After the end the last step is answered again.",
    "start 来电；input 按键或说话（都空为没有输入）；hangup 已挂断": "start: the call comes in; input: keys or words (both empty: none came); hangup: "
    "somebody hung up",
    "主叫号码；匿名来电为空": "Calling number; empty when withheld",
    "按键，含 * 和 #": "Keys, with * and #",
    "识别出的话": "Recognised words",
    "本通话的第几步，从 1 起；同一步重复提交回答相同。不编号时为空": "Number of the step, from 1; the same step again is answered the same. Null: not "
    "numbered",
    "播报的话": "What to say",
    "同样的话，SSML 1.1，句间有停顿": "The same as SSML 1.1, with pauses between sentences",
    "播报后：listen 收号；person 转人工；hang_up 挂机": "Afterwards: listen for keys, transfer to a person, or hang up",
    "最多收几位": "Digits at most",
    "结束收号的键": "Key that ends the digits",
    "多少秒没有按键就提交": "Seconds without a key after which the step is over",
    "正在问的运单；空为没有": "Waybill asked about; empty: none",
    "核实方式：caller 来电号码；tail 手机号后四位；空为未核实": "How verified: caller (calling number), tail (last four digits), empty: not",
    "问过什么，逗号分隔：status、details、sms、person": "What was asked, comma separated: status, details, sms, person",
    "转人工的原因：asked、number、tail、lost、limit、long": "Why it goes to a person: asked, number, tail, lost, limit, long",
    "给接听人的一句话，不含个人信息；转人工时才有": "One sentence for who takes over, without personal data; with a transfer only",
    # Tracking
    "查轨迹": "Track",
    "不带凭据：状态、预计送达、节点和粗略位置（误差不超过 1 公里，每分钟最多更新一次）。"
    "带手机号后四位、签名链接，或本客户的密钥：另有精确位置与 details。": "Without credentials: status, expected arrival, nodes and a coarse "
    "position (within 1 km, new once a minute at most). With the phone's last four digits, a signed link or your own key: also the exact "
    "position and details.",
    "运单号；合作承运商的单号须同时带 phone_tail 或本客户的密钥": "Waybill; a partner carrier's number needs phone_tail or your own key too",
    "收货人或发货人手机号后四位；15 分钟内错五次后须等待": "Last four digits of consignee's or sender's phone; five wrong ones in 15 minutes "
    "have to wait",
    "签名链接中的 k": "k of a signed link",
    "没有变化（If-None-Match）": "Unchanged (If-None-Match)",
    "轨迹实时推送（SSE）": "Track live (SSE)",
    "事件 `track`：与查询相同的内容；`position`：仅位置。断线后请重连。": "Event `track`: what the query answers; `position`: the position "
    "alone. Connect again when cut off.",
    "由承运的合作方上报": "Told by the partner that carries it",
    "真实位置在此范围内（米）": "The true position is within so many metres",
    "稳定的错误编码": "Stable code of the error",
    "字段 → 原因": "Field → reason",
}  # fmt: skip


def english(part: Any) -> Any:
    """The same part of a document with its Chinese summaries and descriptions in English; examples and names stay."""
    if isinstance(part, dict):
        return {
            key: ENGLISH.get(value, value) if key in _SAID and isinstance(value, str) else english(value)
            for key, value in part.items()
        }
    return [english(one) for one in part] if isinstance(part, list) else part
