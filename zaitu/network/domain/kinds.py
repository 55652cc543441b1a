"""The kinds of things in the network, with the words people use for them."""

from enum import StrEnum
from typing import Final


class StationKind(StrEnum):
    HUB = "hub"
    BRANCH = "branch"
    CUSTOMER = "customer"


class VehicleKind(StrEnum):
    TRUCK = "truck"
    TRACTOR = "tractor"
    VAN = "van"
    TRAILER = "trailer"


STATION_KINDS: Final[dict[StationKind, str]] = {
    StationKind.HUB: "中转场",
    StationKind.BRANCH: "网点",
    StationKind.CUSTOMER: "客户仓",
}
VEHICLE_KINDS: Final[dict[VehicleKind, str]] = {
    VehicleKind.TRUCK: "厢式货车",
    VehicleKind.TRACTOR: "牵引车",
    VehicleKind.VAN: "面包车",
    VehicleKind.TRAILER: "挂车",
}
