"""The `zaitu` command: Django's management commands of every room, and those of the installation itself."""

import os
import sys


def main(argv: list[str] | None = None) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zaitu.config.settings")  # noqa: TID251  Django's own door
    from django.core.management import execute_from_command_line  # noqa: PLC0415  settings first

    execute_from_command_line(["zaitu", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    main()
