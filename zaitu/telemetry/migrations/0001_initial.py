import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# Django has no partitioned tables. The default partition takes what no day's partition takes, so that a COPY never fails on it.
POSITION = """
CREATE TABLE telemetry_position (
    terminal_id bigint NOT NULL,
    at timestamptz NOT NULL,
    digest bigint NOT NULL,
    vehicle_id bigint,
    received_at timestamptz NOT NULL,
    lat double precision,
    lon double precision,
    altitude_m smallint,
    speed_kmh double precision,
    course_deg smallint,
    flags smallint NOT NULL,
    alarm bigint NOT NULL,
    status bigint NOT NULL,
    odometer_m bigint,
    temps_c double precision[],
    extra jsonb,
    PRIMARY KEY (terminal_id, at, digest)
) PARTITION BY RANGE (at);
CREATE INDEX telemetry_position_vehicle ON telemetry_position (vehicle_id, at) WHERE vehicle_id IS NOT NULL;
CREATE TABLE telemetry_position_default PARTITION OF telemetry_position DEFAULT;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("network", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Quarantine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("terminal", models.CharField(db_index=True, max_length=20)),
                ("received_at", models.DateTimeField(db_index=True)),
                ("reason", models.CharField(max_length=20)),
                ("content", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="UnknownTerminal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("terminal", models.CharField(max_length=20, unique=True)),
                ("kind", models.CharField(default="jt808", max_length=10)),
                ("version", models.CharField(blank=True, max_length=4)),
                ("maker", models.CharField(blank=True, max_length=11)),
                ("model", models.CharField(blank=True, max_length=30)),
                ("device_id", models.CharField(blank=True, max_length=30)),
                ("reported_plate", models.CharField(blank=True, max_length=40)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField(db_index=True)),
                ("attempts", models.PositiveIntegerField(default=1)),
            ],
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                (
                    "vehicle",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="network.vehicle",
                    ),
                ),
                ("trip", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField(default=1)),
                ("document", models.JSONField()),
                ("set_at", models.DateTimeField()),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(POSITION, "DROP TABLE telemetry_position")],
            state_operations=[
                migrations.CreateModel(
                    name="Position",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "terminal_id",
                                "at",
                                "digest",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("terminal_id", models.BigIntegerField()),
                        ("at", models.DateTimeField()),
                        ("digest", models.BigIntegerField()),
                        ("vehicle_id", models.BigIntegerField(null=True)),
                        ("received_at", models.DateTimeField()),
                        ("lat", models.FloatField(null=True)),
                        ("lon", models.FloatField(null=True)),
                        ("altitude_m", models.SmallIntegerField(null=True)),
                        ("speed_kmh", models.FloatField(null=True)),
                        ("course_deg", models.SmallIntegerField(null=True)),
                        ("flags", models.SmallIntegerField()),
                        ("alarm", models.BigIntegerField()),
                        ("status", models.BigIntegerField()),
                        ("odometer_m", models.BigIntegerField(null=True)),
                        (
                            "temps_c",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(null=True), null=True, size=None
                            ),
                        ),
                        ("extra", models.JSONField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("vehicle_id__isnull", False)),
                                fields=["vehicle_id", "at"],
                                name="telemetry_position_vehicle",
                            )
                        ],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="Terminal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("terminal", models.CharField(max_length=20, unique=True)),
                ("kind", models.CharField(max_length=10)),
                ("plate", models.CharField(max_length=12)),
                ("version", models.CharField(blank=True, max_length=4)),
                ("maker", models.CharField(blank=True, max_length=11)),
                ("model", models.CharField(blank=True, max_length=30)),
                ("device_id", models.CharField(blank=True, max_length=30)),
                ("reported_plate", models.CharField(blank=True, max_length=40)),
                ("auth_code_hash", models.CharField(blank=True, max_length=64)),
                ("token_hash", models.CharField(max_length=64, null=True, unique=True)),
                ("adopted_at", models.DateTimeField()),
                ("registered_at", models.DateTimeField(null=True)),
                ("last_seen_at", models.DateTimeField(null=True)),
                ("last_fix_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["jt808", "osmand"])), name="telemetry_terminal_kind"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VehicleState",
            fields=[
                (
                    "vehicle",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="network.vehicle",
                    ),
                ),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("lat", models.FloatField()),
                ("lon", models.FloatField()),
                ("speed_kmh", models.FloatField(null=True)),
                ("course_deg", models.SmallIntegerField(null=True)),
                ("acc", models.BooleanField(null=True)),
                ("odometer_m", models.BigIntegerField(null=True)),
                (
                    "temps_c",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(null=True), null=True, size=None
                    ),
                ),
                ("trip", models.CharField(blank=True, max_length=40)),
                ("along_m", models.FloatField(null=True)),
                ("off_m", models.FloatField(null=True)),
                ("visits", models.JSONField(default=list)),
                ("late_from", models.DateTimeField(null=True)),
                ("late_seen_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("late_from__isnull", False)),
                        fields=["late_seen_at"],
                        name="telemetry_state_late",
                    )
                ],
            },
        ),
    ]
