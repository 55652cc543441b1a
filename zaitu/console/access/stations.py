"""The station that a user or a team works at, as the forms give it."""

from django.utils.translation import gettext as _

from zaitu.kernel.errors import Invalid
from zaitu.network import public as network


def station_must_exist(code: str) -> None:
    """Raises Invalid at the field. access, which keeps the code, does not know the stations: network is above it."""
    if code and code not in network.stations_by_codes([code]):
        raise Invalid(fields={"station_code": _("没有这个站点，请从列表中选择")})
