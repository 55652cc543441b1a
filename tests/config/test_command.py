"""The `zaitu` command as a shell meets it."""

import subprocess
import sys

import pytest

from zaitu import __version__
from zaitu.config import cli


@pytest.mark.parametrize("asked", ["--version", "version"])
def test_it_says_its_own_version(capsys, asked):
    cli.main([asked])
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("by", ["file", "standard input"])
def test_a_reader_that_has_enough_ends_it_quietly(tmp_path, by):
    frames = tmp_path / "frames"
    frames.write_text("7e00\n" * 20_000, encoding="ascii")
    command = [sys.executable, "-m", "zaitu.config.cli", "decode", "jt808"]
    with (
        frames.open("rb") as lines,
        subprocess.Popen(
            [*command, str(frames)] if by == "file" else command,
            stdin=lines,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141
