"""A relay as a process of its own, for tests that kill it: writes what it hears into kernel_test_heard."""

import os
import sys
import threading
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "zaitu.config.settings"


def main(slow_s: float) -> None:
    import django

    django.setup()
    from django.db import connection

    from tests.kernel.make import Happened
    from zaitu.kernel.relay import Relay

    def write_down(event: Happened) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO kernel_test_heard VALUES (%s, %s)", [event.thing, event.number])
        time.sleep(slow_s)

    def write_down_again(event: Happened) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO kernel_test_heard_again VALUES (%s, %s)", [event.thing, event.number])

    Relay({Happened: [write_down, write_down_again]}, batch=20).run(threading.Event(), poll_s=0.01)


if __name__ == "__main__":
    main(float(sys.argv[1]))
