"""Schemathesis against our own OpenAPI document: whatever a machine makes up gets an answer that the document promises."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.network import make as network
from tests.portal.test_partner_events import partner_key
from tests.portal.test_track import key_for
from zaitu.kernel.models import Attempts

OPERATIONS = [
    ("POST", "/api/v1/orders"),
    ("GET", "/api/v1/orders/{waybill}"),
    ("PATCH", "/api/v1/orders/{waybill}"),
    ("POST", "/api/v1/orders/{waybill}/cancel"),
    ("POST", "/api/v1/bulk/orders"),
    ("POST", "/api/v1/bulk/tracks"),
    ("GET", "/api/v1/changes"),
    ("GET", "/api/v1/shipments/{waybill}/proofs"),
    ("GET", "/api/v1/shipments/{waybill}/files/{file_id}"),
    ("GET", "/api/v1/shipments/{waybill}/events"),
    ("GET", "/api/v1/shipments/{waybill}/labels.pdf"),
    ("GET", "/api/v1/key"),
    ("GET", "/api/v1/track/{waybill}"),
    ("POST", "/api/v1/partner/events"),
    ("GET", "/api/v1/webhooks"),
    ("POST", "/api/v1/webhooks"),
    ("PUT", "/api/v1/webhooks/{webhook_id}"),
    ("GET", "/api/v1/webhooks/{webhook_id}/deliveries"),
    ("POST", "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver"),
    ("POST", "/api/v1/epcis/capture"),
    ("GET", "/api/v1/epcis/capture/{capture_id}"),
    ("POST", "/api/v1/epcis/events"),
    ("GET", "/api/v1/epcis/events"),
    ("GET", "/api/v1/epcis/events/{event_id}"),
    ("GET", "/api/v1/epcis/epcs/{value}/events"),
    ("GET", "/api/v1/epcis/bizSteps/{value}/events"),
    ("GET", "/api/v1/epcis/readPoints/{value}/events"),
    ("GET", "/api/v1/epcis/eventTypes/{value}/events"),
    ("GET", "/api/v1/epcis/eventTypes"),
    ("GET", "/api/v1/epcis/shipments/{waybill}"),
]
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_made_up_requests_get_promised_answers(web: httpx.Client, method: str, path: str) -> None:
    network.line()
    network.product()
    key = (
        partner_key()
        if "/partner/" in path
        else key_for("C001", "orders", "track", "events", "labels", "webhooks", "epcis")
    )
    schema = schemathesis.openapi.from_url(f"{web.base_url}/api/v1/openapi.json")
    statuses = set()

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy())
    def run(case):
        Attempts.objects.all().delete()  # made-up numbers are misses, and this address would be stopped
        response = case.call_and_validate(headers=key, checks=list(CHECKS), timeout=20)
        statuses.add(response.status_code)

    run()
    assert statuses <= {200, 201, 202, 400, 401, 404, 406, 409, 413, 414, 415, 422, 429}
