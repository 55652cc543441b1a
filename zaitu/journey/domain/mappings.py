"""Our statuses in other systems' words, and their codes in ours. Data, after reference/statuses.md.

A code that no table knows is `moving`: the goods are under way and the partner's own words are kept.
"""

from dataclasses import dataclass
from typing import Final

from zaitu.journey.domain.actions import Kind
from zaitu.journey.domain.problems import Problem
from zaitu.journey.domain.statuses import Detail, Status


@dataclass(frozen=True, slots=True)
class Told:
    """What a partner's code tells us."""

    kind: Kind
    code: str = ""
    """Problem code, for PROBLEM and ATTEMPT_FAILED."""
    detail: str = ""
    """For SIGNED."""
    at_destination: bool = False
    """The code itself says that it happened at the destination."""


UNKNOWN: Final = Told(Kind.MOVING)

_SIGNED: Final = Told(Kind.SIGNED, detail=Detail.CONSIGNEE)
_BEHALF: Final = Told(Kind.SIGNED, detail=Detail.ON_BEHALF)
_ARRIVED: Final = Told(Kind.ARRIVED, at_destination=True)


def _problem(problem: Problem) -> Told:
    return Told(Kind.PROBLEM, code=problem.value)


KUAIDI100: Final[dict[str, Told]] = {
    "0": UNKNOWN,
    "1": Told(Kind.COLLECTED),
    "2": _problem(Problem.OTHER),
    "3": _SIGNED,
    "4": Told(Kind.RETURNED),
    "5": Told(Kind.OUT_FOR_DELIVERY),
    "6": Told(Kind.RETURNING),
    "7": Told(Kind.HANDED_TO_PARTNER),
    "8": UNKNOWN,
    "10": UNKNOWN,
    "11": UNKNOWN,
    "12": UNKNOWN,
    "13": _problem(Problem.HELD),
    # Refused and signed back by the sender.
    "14": Told(Kind.RETURNED),
    "101": Told(Kind.PICKUP_BOOKED),
    "102": Told(Kind.PICKUP_BOOKED),
    "103": Told(Kind.COLLECTED),
    "1001": _ARRIVED,
    "1002": UNKNOWN,
    "1003": Told(Kind.HANDED_TO_PARTNER),
    "501": Told(Kind.READY_FOR_PICKUP),
    "301": _SIGNED,
    "302": _SIGNED,
    "303": _BEHALF,
    "304": _BEHALF,
    "401": Told(Kind.CANCELLED),
    "210": Told(Kind.CANCELLED),
    "201": _problem(Problem.NO_UPDATE),
    "202": _problem(Problem.NO_UPDATE),
    "203": Told(Kind.REFUSED),
    "204": Told(Kind.ATTEMPT_FAILED),
    "205": _problem(Problem.HELD),
    "206": Told(Kind.ATTEMPT_FAILED, code=Problem.NO_CONTACT.value),
    "207": _problem(Problem.OUT_OF_AREA),
    "208": _problem(Problem.HELD),
    "209": _problem(Problem.DAMAGED),
}
"""`state` and `statusCode` share one space of codes."""

AFTERSHIP: Final[dict[str, Told]] = {
    "InfoReceived": Told(Kind.PICKUP_BOOKED),
    "InfoReceived_001": Told(Kind.PICKUP_BOOKED),
    "Pending": Told(Kind.PICKUP_BOOKED),
    "InTransit": UNKNOWN,
    "InTransit_001": UNKNOWN,
    "InTransit_002": Told(Kind.COLLECTED),
    "InTransit_003": UNKNOWN,
    "InTransit_007": Told(Kind.DEPARTED),
    "InTransit_008": Told(Kind.PROBLEM_SOLVED),
    "InTransit_009": Told(Kind.HANDED_TO_PARTNER),
    "OutForDelivery": Told(Kind.OUT_FOR_DELIVERY),
    "OutForDelivery_001": Told(Kind.OUT_FOR_DELIVERY),
    "OutForDelivery_003": Told(Kind.OUT_FOR_DELIVERY),
    "OutForDelivery_004": Told(Kind.OUT_FOR_DELIVERY),
    "AttemptFail": Told(Kind.ATTEMPT_FAILED),
    "AttemptFail_001": Told(Kind.ATTEMPT_FAILED),
    "AttemptFail_002": Told(Kind.ATTEMPT_FAILED, code=Problem.NO_CONTACT.value),
    "AttemptFail_003": Told(Kind.ATTEMPT_FAILED),
    "AvailableForPickup": Told(Kind.READY_FOR_PICKUP),
    "AvailableForPickup_001": Told(Kind.READY_FOR_PICKUP),
    "Delivered": _SIGNED,
    "Delivered_001": _SIGNED,
    "Delivered_002": _SIGNED,
    "Delivered_003": _SIGNED,
    "Delivered_004": _SIGNED,
    "Delivered_005": _BEHALF,
    "Exception": _problem(Problem.OTHER),
    "Exception_001": _problem(Problem.OTHER),
    "Exception_003": Told(Kind.REFUSED),
    "Exception_005": _problem(Problem.DELAY_OTHER),
    "Exception_006": _problem(Problem.HELD),
    "Exception_007": _problem(Problem.BAD_ADDRESS),
    "Exception_008": Told(Kind.PICKUP_FAILED),
    "Exception_010": Told(Kind.RETURNING),
    "Exception_011": Told(Kind.RETURNED),
    "Exception_012": _problem(Problem.DAMAGED),
    "Exception_013": _problem(Problem.LOST),
    "Exception_016": _problem(Problem.DELAY_VEHICLE),
    "Exception_017": _problem(Problem.DELAY_WEATHER),
    "Exception_018": _problem(Problem.HELD),
    "Exception_020": Told(Kind.CANCELLED),
    "Exception_021": Told(Kind.DISPOSED),
    "Expired": _problem(Problem.NO_UPDATE),
    "Expired_001": _problem(Problem.NO_UPDATE),
}

SEVENTEEN_TRACK: Final[dict[str, Told]] = {
    "InfoReceived": Told(Kind.PICKUP_BOOKED),
    "InTransit_PickedUp": Told(Kind.COLLECTED),
    "InTransit_Departure": Told(Kind.DEPARTED),
    "InTransit_Arrival": UNKNOWN,
    "InTransit_Other": UNKNOWN,
    "OutForDelivery_Other": Told(Kind.OUT_FOR_DELIVERY),
    "AvailableForPickup_Other": Told(Kind.READY_FOR_PICKUP),
    "Delivered_Other": _SIGNED,
    "DeliveryFailure_Other": Told(Kind.ATTEMPT_FAILED),
    "DeliveryFailure_NoBody": Told(Kind.ATTEMPT_FAILED, code=Problem.NO_CONTACT.value),
    "DeliveryFailure_Rejected": Told(Kind.REFUSED),
    "DeliveryFailure_InvalidAddress": Told(Kind.ATTEMPT_FAILED, code=Problem.BAD_ADDRESS.value),
    "Exception_Other": _problem(Problem.OTHER),
    "Exception_Returning": Told(Kind.RETURNING),
    "Exception_Returned": Told(Kind.RETURNED),
    "Exception_NoBody": Told(Kind.ATTEMPT_FAILED, code=Problem.NO_CONTACT.value),
    "Exception_Damage": _problem(Problem.DAMAGED),
    "Exception_Rejected": Told(Kind.REFUSED),
    "Exception_Delayed": _problem(Problem.DELAY_OTHER),
    "Exception_Lost": _problem(Problem.LOST),
    "Exception_Destroyed": Told(Kind.DISPOSED),
    "Exception_Cancel": Told(Kind.CANCELLED),
    "Expired_Other": _problem(Problem.NO_UPDATE),
}

OWN: Final = "zaitu"
"""Our own words, for partners who have no code list of their own. Here a code that is unknown is a mistake."""

ZAITU: Final[dict[str, Told]] = {
    "collected": Told(Kind.COLLECTED),
    "moving": UNKNOWN,
    "departed": Told(Kind.DEPARTED),
    "arrived": _ARRIVED,
    "handed_to_partner": Told(Kind.HANDED_TO_PARTNER),
    "out_for_delivery": Told(Kind.OUT_FOR_DELIVERY),
    "ready_for_pickup": Told(Kind.READY_FOR_PICKUP),
    "signed": _SIGNED,
    "signed_on_behalf": _BEHALF,
    "attempt_failed": Told(Kind.ATTEMPT_FAILED),
    "no_contact": Told(Kind.ATTEMPT_FAILED, code=Problem.NO_CONTACT.value),
    "bad_address": Told(Kind.ATTEMPT_FAILED, code=Problem.BAD_ADDRESS.value),
    "refused": Told(Kind.REFUSED),
    "returning": Told(Kind.RETURNING),
    "returned": Told(Kind.RETURNED),
    "delayed": _problem(Problem.DELAY_OTHER),
    "held": _problem(Problem.HELD),
    "damaged": _problem(Problem.DAMAGED),
    "lost": _problem(Problem.LOST),
    "problem": _problem(Problem.OTHER),
}

EPCIS: Final[dict[str, Told]] = {
    "accepting": Told(Kind.HANDED_TO_PARTNER),
    "accepting/in_transit": Told(Kind.HANDED_TO_PARTNER),
    "accepting/in_progress": Told(Kind.HANDED_TO_PARTNER),
    "accepting/completeness_verified": _SIGNED,
    "accepting/conformant": _SIGNED,
    "accepting/sellable_accessible": _SIGNED,
    "accepting/sellable_not_accessible": _SIGNED,
    "receiving": UNKNOWN,
    "receiving/returned": Told(Kind.RETURNED),
    "staging_outbound": UNKNOWN,
    "loading": UNKNOWN,
    "unloading": UNKNOWN,
    "transporting": UNKNOWN,
    "departing": Told(Kind.DEPARTED),
    "shipping": Told(Kind.DEPARTED),
    "shipping/returned": Told(Kind.RETURNING),
    "departing/returned": Told(Kind.RETURNING),
    "transporting/returned": Told(Kind.RETURNING),
    # Where, is in the readPoint: the code alone does not say that it is the destination.
    "arriving": Told(Kind.ARRIVED),
    "storing/available": Told(Kind.READY_FOR_PICKUP),
    "holding": _problem(Problem.HELD),
    "*/damaged": _problem(Problem.DAMAGED),
    "*/stolen": _problem(Problem.LOST),
    "*/mismatch_quantity": _problem(Problem.SHORT),
}
"""CBV 2.0: `bizStep/disposition`, `*/disposition` whatever the step, or the step alone. What is not here tells nothing of a journey."""

DIALECTS: Final[dict[str, dict[str, Told]]] = {
    "epcis": EPCIS,
    "kuaidi100": KUAIDI100,
    "aftership": AFTERSHIP,
    "17track": SEVENTEEN_TRACK,
    OWN: ZAITU,
}
"""Name of a code list → code → what it tells us."""


def told(dialect: str, code: str) -> Told:
    """Raises KeyError for an unknown dialect; an unknown code is never dropped."""
    return DIALECTS[dialect].get(code.strip(), UNKNOWN)


@dataclass(frozen=True, slots=True)
class Words:
    """One of our states in the others' codes."""

    kuaidi100: str
    """`statusCode` where there is one, else `state`."""
    aftership: str
    seventeen_track: str


_BY_STATUS: Final[dict[Status, Words]] = {
    Status.ORDERED: Words("101", "InfoReceived_001", "InfoReceived"),
    Status.AWAITING_DEPARTURE: Words("103", "InTransit_002", "InTransit_PickedUp"),
    Status.IN_TRANSIT: Words("1002", "InTransit_001", "InTransit_Other"),
    Status.AT_STOP: Words("1002", "InTransit_003", "InTransit_Arrival"),
    Status.ARRIVED: Words("1001", "InTransit_003", "InTransit_Arrival"),
    Status.ARRIVING_SOON: Words("5", "OutForDelivery_001", "OutForDelivery_Other"),
    Status.READY_FOR_PICKUP: Words("501", "AvailableForPickup_001", "AvailableForPickup_Other"),
    Status.SIGNED: Words("301", "Delivered_001", "Delivered_Other"),
    Status.RETURNED: Words("4", "Exception_011", "Exception_Returned"),
    Status.CLOSED: Words("401", "Exception_020", "Exception_Cancel"),
}
_BY_DETAIL: Final[dict[Detail, Words]] = {
    Detail.DEPARTED: Words("1002", "InTransit_007", "InTransit_Departure"),
    Detail.OUT_FOR_DELIVERY: Words("5", "OutForDelivery_001", "OutForDelivery_Other"),
    Detail.HANDED_TO_PARTNER: Words("1003", "InTransit_009", "InTransit_Other"),
    Detail.RETURNING: Words("6", "Exception_010", "Exception_Returning"),
    Detail.ON_BEHALF: Words("303", "Delivered_005", "Delivered_Other"),
    Detail.LOST: Words("401", "Exception_013", "Exception_Lost"),
    Detail.DISPOSED: Words("401", "Exception_021", "Exception_Destroyed"),
}


def words_for(status: Status, detail: Detail) -> Words:
    """The codes other systems use for this state; a detail they tell apart goes before the status."""
    return _BY_DETAIL.get(detail) or _BY_STATUS[status]


PROBLEM_WORDS: Final[dict[Problem, Words]] = {
    Problem.REFUSED: Words("203", "Exception_003", "DeliveryFailure_Rejected"),
    Problem.ATTEMPT_FAILED: Words("204", "AttemptFail_001", "DeliveryFailure_Other"),
    Problem.NO_CONTACT: Words("206", "AttemptFail_002", "DeliveryFailure_NoBody"),
    Problem.BAD_ADDRESS: Words("204", "Exception_007", "DeliveryFailure_InvalidAddress"),
    Problem.OUT_OF_AREA: Words("207", "Exception_007", "DeliveryFailure_InvalidAddress"),
    Problem.DAMAGED: Words("209", "Exception_012", "Exception_Damage"),
    Problem.LOST: Words("2", "Exception_013", "Exception_Lost"),
    Problem.SHORT: Words("2", "Exception_013", "Exception_Lost"),
    Problem.OVER: Words("2", "Exception_001", "Exception_Other"),
    Problem.OMITTED: Words("208", "Exception_016", "Exception_Delayed"),
    Problem.NOT_DEPARTED: Words("208", "Exception_016", "Exception_Delayed"),
    Problem.MISROUTED: Words("2", "Exception_016", "Exception_Other"),
    Problem.WRONG_GOODS: Words("2", "Exception_001", "Exception_Other"),
    Problem.RECHECK_MISMATCH: Words("2", "Exception_001", "Exception_Other"),
    Problem.DELAY_TRAFFIC: Words("208", "Exception_005", "Exception_Delayed"),
    Problem.DELAY_VEHICLE: Words("208", "Exception_016", "Exception_Delayed"),
    Problem.DELAY_WEATHER: Words("208", "Exception_017", "Exception_Delayed"),
    Problem.DELAY_OTHER: Words("208", "Exception_005", "Exception_Delayed"),
    Problem.HELD: Words("208", "Exception_006", "Exception_Delayed"),
    Problem.TEMPERATURE: Words("2", "Exception_001", "Exception_Other"),
    Problem.NO_UPDATE: Words("202", "Expired_001", "Expired_Other"),
    Problem.OTHER: Words("2", "Exception_001", "Exception_Other"),
}
"""The overlay in others' codes; they show it instead of the status, which we never do."""
