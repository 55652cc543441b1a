"""docs/settings.md from zaitu/config/env.py. `--check`: fail when it is not current."""

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from zaitu.config.env import SECRETS, Env

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Every setting is an environment variable. This page is made from `zaitu/config/env.py` by `python -m tools.settings_page`.

| variable | what it is | default | allowed |
|---|---|---|---|
"""


def page() -> str:
    return HEAD + "".join(_rows())


def _rows() -> Iterator[str]:
    sentences = _sentences()
    for name, field in Env.model_fields.items():
        cells = (f"`ZAITU_{name.upper()}`", _told(name, sentences[name]), _default(field), _allowed(field))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _sentences() -> dict[str, str]:
    """Field → the string below it. Raises KeyError for a field without one."""
    body = ast.parse(inspect.getsource(Env)).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101  it is the class we asked for
    found = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def _told(name: str, sentence: str) -> str:
    return f"{sentence} Or `ZAITU_{name.upper()}_FILE`." if name in SECRETS else sentence


def _default(field: FieldInfo) -> str:
    default: Any = field.default
    return "" if default in (PydanticUndefined, None, "") else f"`{default}`"


def _allowed(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "pattern": ""}
    parts = [
        f"{sign} {value}".strip() if sign else f"`{value}`"
        for rule in field.metadata
        for attribute, sign in signs.items()
        if (value := getattr(rule, attribute, None)) is not None
    ]
    if field.annotation is bool:
        parts.append("`true`, `false`")
    return ", ".join(parts)


def main() -> int:
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/settings.md is not current: run python -m tools.settings_page")
    return 1


if __name__ == "__main__":
    sys.exit(main())
