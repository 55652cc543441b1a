"""The `zaitu` command: Django's management commands of every room, and those of the installation itself."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from typing import Final

from pydantic import ValidationError

from zaitu import __version__
from zaitu.config.env import env
from zaitu.config.homes import Home
from zaitu.kernel.errors import ZaituError

WITHOUT_DATABASE: Final = frozenset(
    {
        "", "help", "--help", "-h", "up", "decode", "replay", "kernels", "check", "makemigrations",
        "makemessages", "compilemessages", "collectstatic", "diffsettings",
    }
)  # fmt: skip
"""Commands that need no database, or see to it themselves; for all others the installation's own is started if it is not running."""


WITHOUT_SETTINGS: Final = {"bus": "config", "restore": "config", "decode": "telemetry"}
"""Command → room: commands that start in a tenth of the time, or must not make a home's secrets, which loading the settings does."""


_WORDS: Final = {
    "greater_than_equal": "最小为 {ge}",
    "less_than_equal": "最大为 {le}",
    "int_parsing": "须为整数",
    "int_from_float": "须为整数",
    "float_parsing": "须为数字",
    "bool_parsing": "须为 true 或 false",
    "literal_error": "须为 {expected}",
    "string_pattern_mismatch": "须符合 {pattern}",
}
"""What pydantic says of a number or a choice, in our words; by its error type."""


_PIPE_CLOSED: Final = 128 + signal.SIGPIPE


def main(argv: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if argv is None else argv
    try:
        _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has read enough. What is still buffered goes nowhere, so that the interpreter does not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE_CLOSED)
    except ZaituError as error:
        sys.exit(_said(error.sentence))
    except ValidationError as error:
        sys.exit(_said("；".join(_setting(one) for one in error.errors())))
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: list[str]) -> None:
    name = arguments[0] if arguments else ""
    if name in {"version", "--version"}:
        print(__version__)
        return
    if name in WITHOUT_SETTINGS:
        module = import_module(f"zaitu.{WITHOUT_SETTINGS[name]}.management.commands.{name}")
        module.Command().run_from_argv(["zaitu", *arguments])
        return
    # Where kernels are kept that cannot be kept beside their source; numba reads it when it is imported.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Home(env().home).path / "kernels"))  # noqa: TID251  numba's own switch
    # numpy's own, read when it is imported: nothing here multiplies matrices, and a process with threads must not be forked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251
    if name == "up":
        _prepare_to_fork()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zaitu.config.settings")  # noqa: TID251  Django's own door
    _load_rooms()
    from django.core.management import execute_from_command_line  # noqa: PLC0415  settings first
    from django.db import OperationalError  # noqa: PLC0415  settings first

    from zaitu.config.engines import database_for_a_command  # noqa: PLC0415  settings first

    with ExitStack() as stack:
        if name not in WITHOUT_DATABASE and not {"--help", "-h"} & set(arguments):
            stack.enter_context(database_for_a_command())
        try:
            execute_from_command_line(["zaitu", *arguments])
        except OperationalError as error:
            sys.exit(_said(f"数据库没有应答：{str(error).splitlines()[0]}"))


def _prepare_to_fork() -> None:
    """What libraries read from the environment when they are imported, before the first import of them."""
    metrics = Home(env().home).metrics
    metrics.mkdir(mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)  # noqa: TID251  prometheus_client's own switch


@cache
def _load_rooms() -> None:
    with uncollected():
        import django  # noqa: PLC0415  settings first

        django.setup()


@contextmanager
def uncollected() -> Iterator[None]:
    """For loading modules: what they make stays. Looking through it for garbage again and again is a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _said(sentence: str) -> int:
    print(f"zaitu: {sentence}", file=sys.stderr)
    return 2


def _setting(error: object) -> str:
    """One wrong setting in words: which variable, what is wrong with it."""
    details = dict(error) if isinstance(error, dict) else {}
    where = "_".join(str(part) for part in details.get("loc", ()))
    words = _WORDS.get(str(details.get("type")))
    said = str(details.get("msg")).removeprefix("Value error, ")  # pydantic's own prefix before our words
    if words:
        limits: dict[str, object] = details.get("ctx", {})
        said = f"{words.format_map(limits)}，不能是 {details.get('input')}"
    return f"设置 ZAITU_{where.upper()} 不正确：{said}"


if __name__ == "__main__":
    main()
