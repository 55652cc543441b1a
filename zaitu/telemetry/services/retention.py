"""Tables that are kept short: by age, and by number where somebody floods them."""

from datetime import datetime
from typing import Final

from django.db.models import QuerySet

KEPT_ROWS: Final = 200_000


def rows_trim(rows: QuerySet, field: str, before: datetime) -> int:  # type: ignore[type-arg]
    """Forget rows whose `field` is before an instant, and all but the newest KEPT_ROWS; how many went. May run twice."""
    gone, _ = rows.filter(**{f"{field}__lt": before}).delete()
    newest_beyond = rows.order_by("-id").values_list("id", flat=True)[KEPT_ROWS : KEPT_ROWS + 1].first()
    if newest_beyond is not None:
        gone += rows.filter(id__lte=newest_beyond).delete()[0]
    return gone
