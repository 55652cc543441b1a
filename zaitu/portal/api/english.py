"""The OpenAPI document in English: what the operations and schemas say in Chinese, by that."""

from typing import Any, Final

from zaitu.journey.public import PARTNER_CODES

_OWN: Final = PARTNER_CODES["zaitu"]
_SAFE: Final = "The address is public https; messages are signed as in Standard Webhooks 1.0. "
_SAFE_ZH: Final = "地址须为公网 https；消息按 Standard Webhooks 1.0 签名。"

_SAID: Final = ("summary", "description")
ENGLISH: Final[dict[str, str]] = {
    "下单、轨迹、事件、标签、推送地址、合作方上报、EPCIS 2.0。认证：`Authorization: Bearer <密钥>`；错误：RFC 9457 `application/problem+json`；"
    "时间：ISO 8601，北京时间（+08:00）。": "Orders, tracking, events, labels, webhooks, partners' events, EPCIS 2.0. Authentication: "
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
    # Many at once
    "批量下单": "Orders in bulk",
    "一次 1–500 单、最多 2 MB，逐单返回结果：`created` 已建单，`existing` 以前提交过，`refused` 未建单（见 `code`、`fields`）。"
    "每单以 `client_ref` 防重；没有 `client_ref` 的单按请求头 `Idempotency-Key`（最多 58 个字符）加序号防重。整批可以原样重发。": "1–500 orders "
    "and 2 MB at once, each answered: `created`, `existing` (placed before), `refused` (see `code` and `fields`). An order is recognised by "
    "its `client_ref`; without one by the header `Idempotency-Key` (58 characters at most) and its place. A batch may be sent again as it is.",
    "每项与单个下单的内容相同；逐项校验，互不影响": "Each as when placing one order; each is checked by itself",
    "修改订单": "Change an order",
    "揽收前可改收发货人、货物、重量、体积、备注和明细；没有写的不变。已揽收返回 409 `order_under_way`，已结束返回 409 `order_over`。"
    "件数、产品和站点不能改，请取消后重新下单。": "Until the goods are collected: parties, goods, weight, volume, remarks and items; what is left out "
    "stays. 409 `order_under_way` once they are collected, `order_over` when it has ended. Pieces, product and stations stay: cancel and "
    "order anew.",
    "取消订单": "Cancel an order",
    "揽收前可以取消；重复取消返回同样的结果。已揽收返回 409 `order_under_way`。": "Until the goods are collected; again it answers the same. 409 "
    "`order_under_way` once they are collected.",
    "批量查轨迹": "Track many",
    "一次 1–100 个本客户的运单号；不是您的单号结果为空。": "1–100 of your own waybills; a number that is not yours has no track.",
    "不是您的运单时为空；position 是货物停放处，在途的实时位置请单独查询": "Null when it is not yours; position is where the goods lie, ask for one "
    "shipment to see it on the road",
    "增量事件": "Changes",
    "本客户全部运单自 `cursor` 以来登记的事件，按登记顺序；不会遗漏晚提交的事件，同一事件不会出现两次。"
    "首次不带 `cursor` 从最早开始。被撤销的事件随后以 `voided` 出现。": "Events of all your shipments recorded since `cursor`, in the order of "
    "recording; none is skipped and none comes twice. Without `cursor` from the first. One that is taken back is followed by a `voided`.",
    "kind 为 voided 时：被撤销事件的 id": "For a voided: id of the event it takes back",
    "下次从这里继续；没有新事件时不变": "Go on from here; the same while nothing is new",
    "还有更多，可立即再取": "There is more, ask at once",
    "按登记顺序，最早在前": "In the order of recording, oldest first",
    "签收凭证": "Proofs of delivery",
    "每次签收的签收人、件数，以及签名和照片的文件地址（用同一密钥读取）。": "Each signature's signer and pieces, and where its files are (read with the same key).",
    "文件地址；没有时为空": "Address of the file; empty: none",
    "文件地址": "Addresses of the files",
    "凭证文件": "File of a proof",
    "签名或照片本身；地址取自签收凭证。": "A signature or photo itself; addresses are in the proofs.",
    # EPCIS
    "上报 EPCIS 文档": "Capture an EPCIS document",
    "EPCIS 2.0 JSON-LD 文档，最多 500 个事件、1 MB；按 GS1 JSON Schema 连同格式校验。返回 202 与任务地址（Location）。"
    "同一 `eventID` 的同一事件只保存一次。合作方的密钥上报转给自己的运单时，能对应的事件登记为运单事件；"
    "其余事件保存，只有上报者能查到。": "An EPCIS 2.0 JSON-LD document, 500 events and 1 MB at most, checked by the GS1 JSON schema with "
    "formats. Answers 202 and where the job is (Location). The same event with the same `eventID` is kept once. What a partner's key tells "
    "of shipments forwarded to it becomes their events where it has a counterpart; everything is kept, and found by who told it only.",
    "rollback：全部保存或全部不保存；proceed：保存正确的事件": "rollback: all or nothing; proceed: what is right is kept",
    "已受理": "Accepted",
    "已保存": "Kept",
    "以前保存过": "Kept before",
    "带 @context 的 EPCIS 事件": "An EPCIS event with its @context",
    "查上报任务": "Look a capture job up",
    "是否成功、每个未能保存的事件错在哪里，以及登记到运单的结果（zaitu:journey）。": "Whether it succeeded, what is wrong with each event that was "
    "not kept, and what the shipments took of it (zaitu:journey).",
    "上报一个 EPCIS 事件": "Capture one EPCIS event",
    "带 `@context` 的单个事件。新事件返回 201，以前上报过的同一事件返回 200；`eventID` 已用于另一事件返回 409。": "One event with its "
    "`@context`. 201 for a new one, 200 for one that was told before, 409 when its `eventID` stands for another event.",
    "查询 EPCIS 事件": "Query EPCIS events",
    "参数同 EPCIS 2.0；多个值用 `|` 分开。客户的密钥查到自己运单的事件和自己上报的事件，合作方的密钥查到自己上报的事件。"
    "下一页的地址在 Link 中。`MATCH_epc` 为运单号地址时返回该运单全程。": "Parameters as in EPCIS 2.0; several values with `|` between them. A "
    "customer's key finds the events of its shipments and those it told, a partner's key those it told. The next page is in Link. "
    "`MATCH_epc` with a waybill's address finds its whole journey.",
    "只查自己上报的事件": "Of events that you told only",
    "只要前几个事件": "The first so many events only",
    "超过时返回 413 QueryTooLargeException": "More than that: 413 QueryTooLargeException",
    "取自 Link": "From Link",
    "查一个 EPCIS 事件": "Look an EPCIS event up",
    "自己上报的事件；`eventID` 须按 URL 编码。": "One that you told; `eventID` is percent-encoded.",
    "按 EPC 查事件": "Events by EPC",
    "按业务步骤查事件": "Events by business step",
    "按读取点查事件": "Events by read point",
    "按业务地点查事件": "Events by business location",
    "按货物状态查事件": "Events by disposition",
    "按事件类型查事件": "Events by type",
    "其余参数同“查询 EPCIS 事件”；标识须按 URL 编码。": "Other parameters as in “Query EPCIS events”; identifiers are percent-encoded.",
    "EPCIS 事件类型": "EPCIS event types",
    "标准的五种事件类型。": "The five types of the standard.",
    "导出运单全程": "Export a journey",
    "一个运单的全部事件，作为 EPCIS 2.0 文档，最早在前。": "All events of a shipment as an EPCIS 2.0 document, oldest first.",
    "不支持要求的版本或格式": "Not in the version or media type that was asked for",
    "地址太长": "The address is too long",
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
