"""Many shipments to ask for: copies of the demo company's, under numbers of their own."""

import secrets

import psycopg

from zaitu.kernel.waybills import waybill_make


def copies(database_url: str, count: int) -> list[str]:
    """So many copies of shipments on the road, whose answers hold a position, the dearest to make; their numbers.

    They have no ETA, so that the timers, which these are not about, leave them alone.
    """
    numbers = list({waybill_make("ZT") for _ in range(count)})
    with psycopg.connect(database_url, autocommit=True) as database:
        columns = [
            name
            for (name,) in database.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'journey_shipment' AND is_generated = 'NEVER' AND is_identity = 'NO'"
            ).fetchall()
            if name not in {"waybill", "eta"}
        ]
        listed = ", ".join(f'"{name}"' for name in columns)
        database.execute(
            f"""WITH source AS (SELECT row_number() OVER () - 1 AS source_row, count(*) OVER () AS source_rows, {listed}
                                FROM journey_shipment WHERE vehicle_id IS NOT NULL AND NOT final)
                INSERT INTO journey_shipment (waybill, {listed})
                SELECT number, {listed}
                FROM unnest(%s::text[]) WITH ORDINALITY AS made (number, n)
                JOIN source ON source_row = made.n %% source_rows""",
            [numbers],
        )
        database.execute("VACUUM ANALYZE journey_shipment")
    secrets.SystemRandom().shuffle(numbers)
    return numbers
