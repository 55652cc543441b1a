"""What the demo company's customers order: the same orders on the same day, whenever they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from zaitu.config.demo.company import CUSTOMERS, Customer, person
from zaitu.config.demo.dice import dice
from zaitu.config.demo.geography import ROADS, Road
from zaitu.config.demo.roads import BY_CODE, stops
from zaitu.config.demo.schedule import Run, run_for
from zaitu.journey.public import OrderDraft, PartyDraft
from zaitu.kernel.clock import CHINA


@dataclass(frozen=True, slots=True)
class Order:
    at: datetime
    line: str
    draft: OrderDraft
    run: Run
    """The run it will go with."""

    @property
    def ref(self) -> str:
        return self.draft.client_ref


def orders_of(day: date) -> list[Order]:
    """Everything ordered on one Chinese day, in time order."""
    return sorted(
        (order for road in ROADS for order in _of(road, day)), key=lambda order: (order.at, order.ref)
    )


def _of(road: Road, day: date) -> Iterator[Order]:
    for number in range(road.per_day):
        chance = dice("order", road.code, day, number)
        line = road.code if chance.random() < 0.62 else f"{road.code}-R"
        codes = stops(line)
        here = 0 if chance.random() < 0.8 else chance.randrange(len(codes) - 1)
        there = len(codes) - 1 if chance.random() < 0.6 else chance.randrange(here + 1, len(codes))
        minutes = chance.randrange(8 * 60, 20 * 60)
        at = datetime.combine(day, time(), CHINA) + timedelta(minutes=minutes, seconds=chance.randrange(60))
        customer = chance.choice([one for one in CUSTOMERS if road.code in one.roads])
        ref = f"{day:%y%m%d}-{road.code.replace('-', '')}-{number + 1:02d}"
        draft = _draft(road, customer, ref, codes[here], codes[there])
        yield Order(at, line, draft, run_for(line, codes[here], at))


def _draft(road: Road, customer: Customer, ref: str, origin: str, destination: str) -> OrderDraft:
    chance = dice("goods", ref)
    pieces = chance.choice((1, 1, 2, 3, 4, 6, 8, 10, 12, 20))
    weight_kg = round(pieces * chance.uniform(6, 38), 1)
    cold = road.product == "COLD"
    return OrderDraft(
        customer_code=customer.code,
        product=road.product,
        from_station=origin,
        to_station=destination,
        consignor=_party(origin, customer, "sender", 0),
        # A customer ships to the same few receivers again and again.
        consignee=_party(destination, customer, "receiver", chance.randrange(4)),
        pieces=pieces,
        weight_kg=weight_kg,
        volume_m3=round(weight_kg / chance.uniform(160, 320), 3),
        goods=chance.choice(customer.goods),
        cold_min_c=2.0 if cold else None,
        cold_max_c=8.0 if cold else None,
        client_ref=ref,
        remarks=chance.choice(
            ("", "", "", "", "送货前请电话联系", "需带尾板车", "易碎，轻拿轻放", "收货时间 9:00–17:00")
        ),
    )


def _party(station: str, customer: Customer, role: str, number: int) -> PartyDraft:
    place, who = BY_CODE[station], person(customer.code, station, role, number)
    return PartyDraft(
        name=who.name,
        phone=who.phone,
        city=place.city,
        address=f"{place.address[:3]}{who.address}",
        email=f"{role}{number + 1}.{station.lower()}@{customer.domain}.example",
    )
