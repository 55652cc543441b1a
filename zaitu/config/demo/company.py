"""Who works at and ships with the demo company. Every name, firm and number here is made up."""

from dataclasses import dataclass
from typing import Final

from zaitu.config.demo.dice import dice

COMPANY: Final = "顺驰物流"

PRODUCTS: Final = (
    ("STD", "零担快运", 72, False),
    ("EXP", "城际快线", 48, False),
    ("COLD", "冷链专送", 36, True),
)
"""Code, name, promised hours, cold."""


@dataclass(frozen=True, slots=True)
class Customer:
    code: str
    name: str
    domain: str
    goods: tuple[str, ...]
    roads: tuple[str, ...]
    """Lines it ships on."""


CUSTOMERS: Final = (
    Customer("C1001", "华腾电子（苏州）有限公司", "huateng", ("液晶面板", "电源模块", "路由器"), ("SH-CD", "SY-NJ")),
    Customer("C1002", "锦程家居有限公司", "jincheng", ("板式家具", "床垫", "灯具"), ("SZ-HZ", "SH-CD")),
    Customer("C1003", "北辰汽配股份有限公司", "beichen", ("刹车片", "减震器", "滤清器"), ("SY-NJ", "GZ-BJ")),
    Customer("C1004", "岭南服饰集团有限公司", "lingnan", ("针织衫", "工装", "鞋类"), ("GZ-BJ", "SZ-HZ")),
    Customer("C1005", "西域干果贸易有限公司", "xiyu", ("红枣", "核桃", "葡萄干"), ("XA-UR",)),
    Customer("C1006", "海蓝生鲜供应链有限公司", "hailan", ("冰鲜海鱼", "扇贝", "虾仁"), ("QD-SH",)),
    Customer("C1007", "康泽医药有限公司", "kangze", ("生物试剂", "胰岛素", "疫苗"), ("QD-SH",)),
    Customer("C1008", "中原机床有限公司", "zhongyuan", ("主轴", "导轨", "数控系统"), ("GZ-BJ", "XA-UR")),
    Customer("C1009", "蜀味食品有限公司", "shuwei", ("火锅底料", "豆瓣酱", "休闲豆干"), ("SH-CD",)),
    Customer("C1010", "闽声乐器有限公司", "minsheng", ("吉他", "电子琴", "音响"), ("SZ-HZ",)),
    Customer("C1011", "天山棉业有限公司", "tianshan", ("棉纱", "毛巾", "床品套件"), ("XA-UR", "SY-NJ")),
    Customer("C1012", "齐鲁轴承有限公司", "qilu", ("轴承", "齿轮箱", "联轴器"), ("SY-NJ", "GZ-BJ")),
)  # fmt: skip

STAFF: Final = (
    ("admin", "张建国", ("administrator", "manager", "dispatch", "service"), ""),
    ("kefu", "李晓雯", ("service",), ""),
    ("diaodu", "王志强", ("dispatch",), ""),
    ("cangku", "陈立军", ("warehouse",), "WHDX"),
    ("siji", "刘海涛", ("driver",), ""),
    ("caiwu", "周敏", ("finance",), ""),
    ("zhuguan", "赵文斌", ("manager",), ""),
)
"""User name, name, roles, station."""
DRIVER_USER: Final = "siji"

_FAMILY: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN: Final = (
    "伟", "芳", "秀英", "敏", "静", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "超", "明", "霞", "平", "刚", "桂英",
    "文博", "子涵", "雨桐", "浩然", "欣怡", "志远", "建华", "国栋", "海燕", "晓东", "丽华", "振宇", "佳琪", "思远", "雪梅", "永强",
)  # fmt: skip
_STREETS: Final = (
    "工业园",
    "科技路",
    "建设路",
    "迎宾大道",
    "创业路",
    "解放路",
    "新华路",
    "和平路",
    "长江路",
    "人民路",
    "物流园",
    "开发区",
)


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    phone: str
    """Of a number range nobody is given (1990000…)."""
    address: str


def person(*about: object) -> Person:
    chance = dice("person", *about)
    return Person(
        name=chance.choice(_FAMILY) + chance.choice(_GIVEN),
        phone=f"1990000{chance.randrange(10_000):04d}",
        address=f"{chance.choice(_STREETS)}{chance.randrange(1, 400)}号",
    )
