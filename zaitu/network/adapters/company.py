"""The company's row, kept in this process for a few seconds: every page and every mail shows it."""

import time
from typing import Final

from django.db import DatabaseError

from zaitu.network.domain.views import CompanyView
from zaitu.network.models import Company

TTL_S: Final = 5.0


class Kept:
    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Nothing is known, as in a process that has just begun."""
        self._view = CompanyView()
        self._until = 0.0

    def known(self) -> CompanyView:
        """What was read last, however old; never asks the database."""
        return self._view

    def read(self) -> CompanyView:
        """At most five seconds old; older only while the database does not answer, for the pages that say so."""
        if time.monotonic() >= self._until:
            try:
                row = Company.objects.first()
            except DatabaseError:
                return self._view
            self._view = CompanyView(name=row.name, hotline=row.hotline) if row else CompanyView()
            self._until = time.monotonic() + TTL_S
        return self._view

    def forget(self) -> None:
        """The next read asks the database; what was known stays for the case that it does not answer."""
        self._until = 0.0


KEPT: Final = Kept()
"""This process's."""
