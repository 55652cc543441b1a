from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journey", "0005_piece_state_is_folded"),
    ]

    operations = [
        migrations.AddField(
            model_name="tripstop",
            name="heard_again",
            field=models.JSONField(default=list),
        ),
    ]
