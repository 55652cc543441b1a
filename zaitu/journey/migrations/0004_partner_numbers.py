from django.db import migrations, models

# As domain/partner_numbers.py finds them: stored numbers are ASCII and in capitals.
PLAIN = """
UPDATE journey_numberlink AS link SET plain = found.plain
  FROM (SELECT id, regexp_replace(number, '[[:space:]_.-]+', '', 'g') AS plain FROM journey_numberlink) AS found
 WHERE link.id = found.id AND found.plain ~ '^[A-Z0-9]{8,40}$'
   AND length(regexp_replace(found.plain, '[^0-9]', '', 'g')) >= 6
"""


class Migration(migrations.Migration):
    dependencies = [
        ("journey", "0003_stop_eta_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="numberlink",
            name="plain",
            field=models.CharField(blank=True, db_index=True, default="", max_length=40),
        ),
        migrations.RunSQL(PLAIN, migrations.RunSQL.noop),
    ]
