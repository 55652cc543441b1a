"""What the company is called."""

from django.db import transaction

from zaitu.access import public as access
from zaitu.kernel.principal import Principal
from zaitu.network.adapters.company import KEPT
from zaitu.network.domain import checks
from zaitu.network.domain.views import CompanyView
from zaitu.network.models import Company

_ONLY = 1


@transaction.atomic
def company_put(*, actor: Principal, company: CompanyView) -> None:
    checked = checks.company_checked(company)
    before = Company.objects.select_for_update().first()
    if before is not None and (before.name, before.hotline) == (checked.name, checked.hotline):
        return
    row = before or Company(pk=_ONLY)
    row.name, row.hotline = checked.name, checked.hotline
    row.save()
    access.audit(actor=actor, action="company.put", subject="company")
    transaction.on_commit(KEPT.forget)
