"""Files hold at most 500 lines and functions at most 60 (migrations and numba kernels excepted)."""

import ast
import sys
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 60
ROOT = Path(__file__).resolve().parent.parent


def too_long(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = []
    lines = text.count("\n")
    if lines > FILE_LINES:
        found.append(f"{path.relative_to(ROOT)}: {lines} lines, at most {FILE_LINES}")
    if path.suffix != ".py" or "kernels" in path.parts:
        return found
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(
                    f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines, at most {FUNCTION_LINES}"
                )
    return found


def main() -> int:
    found: list[str] = []
    for folder in ("zaitu", "tests", "benchmarks", "tools", "web"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in {".py", ".js", ".html", ".css"} or {
                "migrations",
                "vendor",
                "node_modules",
            } & set(path.parts):
                continue
            found += too_long(path)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
