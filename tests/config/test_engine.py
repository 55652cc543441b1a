import pytest
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_the_hot_path_address_is_the_test_database():
    import psycopg

    with connection.cursor() as cursor:
        ours = cursor.execute("select current_database()").fetchone()
    with psycopg.connect(settings.ZAITU_DATABASE_URL) as other:
        assert other.execute("select current_database()").fetchone() == ours
    assert ours[0].startswith("test_")
