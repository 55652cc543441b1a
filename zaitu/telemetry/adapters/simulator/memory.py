"""What the terminals remember from run to run: authorisation codes, and how far they have reported."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Remembered:
    code: str = ""
    """Empty: it has to register."""
    last_s: int = 0
    """Second of its newest fix: a second account of the same second would be a repetition."""


Memory = dict[int, Remembered]
"""By index."""


def memory_read(path: Path) -> Memory:
    """Empty when there is no such file. Raises ValueError for another kind of file."""
    if not path.exists():
        return {}
    memory = {}
    for line in path.read_text("ascii").splitlines():
        index, code, last_s = line.split("\t")
        memory[int(index)] = Remembered(code, int(last_s))
    return memory


def memory_write(path: Path, memory: Memory) -> None:
    """Readable by its owner only: codes let one speak for a terminal."""
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    lines = [f"{index}\t{one.code}\t{one.last_s}\n" for index, one in sorted(memory.items())]
    aside.write_text("".join(lines), "ascii")
    aside.replace(path)
