"""Collect what a room says to people, and compile its English catalogue, without gettext's own programs.

    python -m tools.messages zaitu/ui            add new texts to zaitu/ui/locale/en/LC_MESSAGES/django.po, compile django.mo
    python -m tools.messages --check zaitu/ui    exit 1 when a text is missing, unused, untranslated, or the .mo is not of the .po

Texts are written in Chinese in the source; English is the only catalogue.
"""

import ast
import re
import struct
import sys
from pathlib import Path

from django.conf import settings
from django.utils.translation.template import templatize

CALLS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "pgettext": 2, "pgettext_lazy": 2}
"""Function → how many literals it takes: with two, the first says which of several meanings is meant."""
LITERAL = r"""u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
TEMPLATE_CALL = re.compile(rf"gettext\((?:({LITERAL}), )?({LITERAL})\)")
CONTEXT_ENDS = "\x04"
"""Between context and text in a key, as in a .mo file."""
HEADER = "Language: en\nContent-Type: text/plain; charset=UTF-8\n"


def in_python(path: Path) -> set[str]:
    """The string literals given to gettext in a Python file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            said = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if said and len(said) == CALLS[node.func.id]:
                found.add(CONTEXT_ENDS.join(map(str, said)))
    return found


def in_template(path: Path) -> set[str]:
    """The texts of translate and blocktranslate tags in a template."""
    pseudo_python = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    return {
        CONTEXT_ENDS.join(ast.literal_eval(part.removeprefix("u")) for part in call if part)
        for call in TEMPLATE_CALL.findall(pseudo_python)
    }


def collect(room: Path) -> set[str]:
    """Everything a room's Python files and templates say."""
    found: set[str] = set()
    for path in room.rglob("*.py"):
        if "migrations" not in path.parts:
            found |= in_python(path)
    for path in room.rglob("templates/**/*.*"):
        if path.suffix in {".html", ".txt", ".js"}:
            found |= in_template(path)
    return found


def quoted(text: str) -> str:
    body = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{body}"'


def read_po(path: Path) -> dict[str, str]:
    """Text → translation of a .po file in the plain form write_po makes (other people's line breaks are understood too)."""
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    key, field = "", ""
    for line in [*path.read_text(encoding="utf-8").splitlines(), 'msgid ""']:
        keyword, _, literal = line.partition('"')
        if keyword == "msgctxt ":
            key, field = "", "context"
        elif keyword == "msgid ":
            key, field = f"{key}{CONTEXT_ENDS}" if field == "context" else "", "id"
        elif keyword == "msgstr ":
            field = "str"
            found[key] = ""
        if keyword not in {"", "msgctxt ", "msgid ", "msgstr "} or not literal:
            continue
        text = ast.literal_eval(f'"{literal}')
        if field == "str":
            found[key] += text
        else:
            key += text
    found.pop("", None)
    return found


def write_po(path: Path, texts: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [f'msgid ""\nmsgstr {quoted(HEADER)}\n']
    parts += [f"{_named(key)}\nmsgstr {quoted(texts[key])}\n" for key in sorted(texts, key=_by_text)]
    path.write_text("\n".join(parts), encoding="utf-8")


def _named(key: str) -> str:
    context, _, text = key.rpartition(CONTEXT_ENDS)
    return f"msgctxt {quoted(context)}\nmsgid {quoted(text)}" if context else f"msgid {quoted(text)}"


def _by_text(key: str) -> tuple[str, str]:
    context, _, text = key.rpartition(CONTEXT_ENDS)
    return text, context


def compiled(texts: dict[str, str]) -> bytes:
    """A GNU .mo file: sorted originals, then translations, each with length and offset (gettext manual, 10.3)."""
    entries = sorted((key.encode(), value.encode()) for key, value in ({"": HEADER} | texts).items() if value)
    start = 28
    offset = start + 16 * len(entries)
    tables: tuple[list[bytes], list[bytes]] = ([], [])
    data = b""
    for side in (0, 1):
        for entry in entries:
            tables[side].append(struct.pack("<II", len(entry[side]), offset + len(data)))
            data += entry[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(entries), start, start + 8 * len(entries), 0, start)
    return head + b"".join(tables[0]) + b"".join(tables[1]) + data


def faults(room: Path) -> list[str]:
    """What is wrong with a room's catalogue; empty when all is well."""
    po = room / "locale/en/LC_MESSAGES/django.po"
    said, texts = collect(room), read_po(po)
    if not said and not texts:
        return []
    found = [f"{po}: missing {text!r}" for text in sorted(said - texts.keys())]
    found += [f"{po}: nobody says {text!r}" for text in sorted(texts.keys() - said)]
    found += [f"{po}: no English for {text!r}" for text in sorted(texts) if not texts[text]]
    mo = po.with_suffix(".mo")
    if not mo.exists() or mo.read_bytes() != compiled(texts):
        found.append(f"{mo}: not compiled from the .po; run python -m tools.messages {room}")
    return found


def main(argv: list[str]) -> int:
    if not settings.configured:
        settings.configure(USE_I18N=True)
    rooms = [Path(name) for name in argv if name != "--check"]
    if "--check" in argv:
        found = [fault for room in rooms for fault in faults(room)]
        print("\n".join(found))
        return 1 if found else 0
    for room in rooms:
        po = room / "locale/en/LC_MESSAGES/django.po"
        old = read_po(po)
        texts = {text: old.get(text, "") for text in collect(room)}
        write_po(po, texts)
        po.with_suffix(".mo").write_bytes(compiled(texts))
        print(f"{po}: {len(texts)} texts, {sum(not value for value in texts.values())} without English")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
