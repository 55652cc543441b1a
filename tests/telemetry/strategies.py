"""Values for any message that has a table, drawn from the table itself."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from zaitu.telemetry.codecs.jt808 import areas, catalogue, layout, parameters

WORDS = st.text(alphabet="ABCxyz019-_京沪鄂测试货", max_size=6)
MOMENTS = st.integers(946_771_200, 4_070_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
)


def values(table, version):
    """A strategy of values that the table writes and reads back the same."""

    @st.composite
    def drawn(draw):
        told = {}
        for part in table.parts:
            fill(draw, part, told, version)
        return told

    return drawn()


def _number(size):
    return st.integers(0, (1 << 8 * size) - 1)


def fill(draw, part, told, version):
    _FILL[type(part)](draw, part, told, version)


def _named(draw, part, told, _version):
    code = draw(st.sampled_from(sorted(part.words)) | _number(part.size))
    told[part.name] = part.words.get(code, code)


def _bits(draw, part, told, _version):
    number = draw(_number(part.size))
    # 3 is what is written where none of a pair is given.
    told[part.name] = part.names(number | 3 if part.pair and not number & 3 else number)


def _text(draw, part, told, _version):
    told[part.name] = draw(WORDS.filter(lambda word: len(word.encode("gbk")) <= (part.size or 99)))


def _group(draw, part, told, version):
    for one in part.parts:
        fill(draw, one, told, version)


def _when(draw, part, told, version):
    if part.test(told):
        fill(draw, part.part, told, version)


def _if_sent(draw, part, told, version):
    if draw(st.booleans()):
        fill(draw, part.part, told, version)


def _by_version(draw, part, told, version):
    chosen = part.new if version == "2019" else part.old
    if chosen is not None:
        fill(draw, chosen, told, version)


def _many(draw, part, told, version):
    items = []
    for _ in range(draw(st.integers(0, 4))):
        item = {}
        fill(draw, part.part, item, version)
        items.append(item[part.bare] if part.bare else item)
    told[part.name] = items


def _placed(draw, part, told, version):
    words = part.bits.names(draw(_number(part.bits.size)))
    sides = {side for side in ("south", "west") if draw(st.booleans())}
    words = [word for word in words if word not in {"south", "west"}] + sorted(sides)
    chosen = part.bits.names(part.bits.number(words))
    for one in part.parts.parts:
        if one is part.bits:
            told["attributes"] = chosen
        else:
            told.setdefault("attributes", chosen)
            fill(draw, one, told, version)
    places = [told, *told.get("points", ())]
    if not any(name in place for place in places for name in (*areas._LATS, *areas._LONS)):
        # An area without a point lies on no side.
        told["attributes"] = [word for word in chosen if word not in {"south", "west"}]
    for place in places:
        for names, side in ((areas._LATS, "south"), (areas._LONS, "west")):
            place.update({name: -place[name] for name in names if side in sides and name in place})


def _degrees(draw, part, told, _version):
    told[part.name] = draw(st.integers(1, 179_999_999)) / 1e6


def _parameter(draw, _part, told, _version):
    number = draw(st.sampled_from(sorted(parameters._NAMES)) | _number(4))
    name, size = parameters._NAMES.get(number, (None, -1))
    value = draw(WORDS if size == 0 else _number(size) if size > 0 else st.binary(max_size=9))
    told.update(id=f"0x{number:04x}", name=name, value=value.hex() if isinstance(value, bytes) else value)


def _of_kind(draw, _part, told, version):
    if told["kind"] in areas._PARTS:
        _many(draw, layout.Many("areas", 4, areas._PARTS[told["kind"]]), told, version)


_FILL = {
    layout.Number: lambda draw, part, told, _: told.update({part.name: draw(_number(part.size))}),
    layout.Hexed: lambda draw, part, told, _: told.update({part.name: f"0x{draw(_number(part.size)):04x}"}),
    layout.Digits: lambda draw, part, told, _: told.update(
        {part.name: draw(st.text("0123456789", min_size=2 * part.size, max_size=2 * part.size))}
    ),
    layout.Moment: lambda draw, part, told, _: told.update({part.name: draw(MOMENTS)}),
    layout.Raw: lambda draw, part, told, _: told.update({part.name: draw(st.binary(max_size=20)).hex()}),
    layout.Named: _named,
    layout.Bits: _bits,
    layout.Text: _text,
    layout.Group: _group,
    layout.When: _when,
    layout.IfSent: _if_sent,
    layout.ByVersion: _by_version,
    layout.Many: _many,
    areas._Placed: _placed,
    areas._Degrees: _degrees,
    areas._Route: lambda draw, _, told, version: fill(draw, areas.ROUTE, told, version),
    areas._OfKind: _of_kind,
    parameters._Parameter: _parameter,
    catalogue._Waybill: lambda draw, _, told, __: told.update(text=draw(WORDS)),
}
