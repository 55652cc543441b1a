"""FastAGI: an Asterisk connects for each call, and is told line by line what to do. Lines in and out; no sockets.

`read` is given what comes from the Asterisk; nothing of it is believed further than its shape.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

LINE_MAX: Final = 2_000
"""Bytes of a line, either way: an Asterisk's own buffer is 2,048."""
HEAD_LINES_MAX: Final = 100
_CHUNK: Final = 600
"""Bytes said at once: between two chunks a key is heard."""
_HEAD: Final = re.compile(r"(agi_[a-z0-9_]{1,40}): ?(.*)")
_ANSWER: Final = re.compile(r"([1-9][0-9]{2})(?:([ -])(.*))?")
_RESULT: Final = re.compile(r"result=(-?[0-9]{1,9})(?![0-9])")
_SENTENCE: Final = re.compile(r"[^。？！；]*[。？！；]?")
_WITHHELD: Final = frozenset({"", "unknown", "anonymous", "asterisk", "s"})


class NotAgi(Exception):
    """The other side does not speak AGI."""


class HungUp(Exception):
    """The call is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    code: int
    result: int
    """As the command means it; -2 when none was told."""
    more: bool = False
    """`520-…`: lines follow until one with a blank after the number."""


def head_line(line: str) -> tuple[str, str]:
    """One line of what an Asterisk tells first. Raises NotAgi."""
    found = _HEAD.fullmatch(line)
    if found is None:
        raise NotAgi
    return found[1], found[2].strip()


def caller_of(head: Mapping[str, str]) -> str:
    """The calling number; empty when withheld."""
    told = head.get("agi_callerid", "")
    return "" if told.lower() in _WITHHELD else told


def answer_line(line: str) -> Answer:
    """Raises HungUp, NotAgi."""
    if line == "HANGUP":
        raise HungUp
    found = _ANSWER.fullmatch(line)
    if found is None:
        raise NotAgi
    code = int(found[1])
    if code == 511:  # the channel is dead
        raise HungUp
    result = _RESULT.search(found[3] or "")
    return Answer(code=code, result=int(result[1]) if result else -2, more=found[2] == "-")


def quoted(text: str) -> str:
    """A text inside quotation marks: nothing in it ends them, the line, or an argument of an application."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    for one, other in (("\\", " "), ('"', "”"), (",", "，"), ("|", " "), ("${", " "), ("$[", " ")):
        plain = plain.replace(one, other)
    return plain


def said(template: str, text: str) -> Iterator[str]:
    """The commands that say a text, some sentences each."""
    room = min(_CHUNK, LINE_MAX - len(template.encode()))
    chunk = ""
    for sentence in _SENTENCE.findall(quoted(text)):
        for part in _cut(sentence, room):
            if chunk and len((chunk + part).encode()) > room:
                yield template.replace("{text}", chunk)
                chunk = ""
            chunk += part
    if chunk.strip():
        yield template.replace("{text}", chunk)


def _cut(sentence: str, room: int) -> Iterator[str]:
    """A sentence longer than a line, in pieces of at most a third as many characters as there are bytes."""
    step = max(1, room // 4)
    if len(sentence.encode()) <= room:
        yield sentence
    else:
        yield from (sentence[at : at + step] for at in range(0, len(sentence), step))


def variable(name: str, value: str) -> str:
    """What the dialplan reads afterwards as `${name}`."""
    return f'SET VARIABLE {name} "{quoted(value)[:400]}"'


def whole(keys: str, digits_max: int) -> bool:
    """Whether these keys are a turn: `#` came, or as many digits as are wanted after the last `*`; a lone `*` where one key is."""
    if keys.endswith("#"):
        return True
    after = keys.rpartition("*")[2]
    return len(after) >= digits_max or (digits_max == 1 and bool(keys))
