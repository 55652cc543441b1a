"""The `zaitu` command as a shell meets it."""

import os
import subprocess
import sys

import pytest

from zaitu import __version__
from zaitu.config import cli
from zaitu.kernel.errors import Invalid


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


def test_a_trace_is_replayed_without_a_database_of_our_own(tmp_path):
    home = tmp_path / "home"
    trace = tmp_path / "trace.csv"
    trace.write_text("lat,lon,time\n", encoding="ascii")
    asked = ["replay", str(trace), "--terminal", "13900001234", "--columns", "lat=lat,lon=lon,time=time"]
    ended = subprocess.run(
        [sys.executable, "-m", "zaitu.config.cli", *asked],
        env={**os.environ, "ZAITU_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, f"CommandError: {trace}: no row can be read\n")
    assert not (home / "pg").exists()


def test_a_command_says_what_is_wrong_with_a_value_once(capsys, monkeypatch):
    def refuse(_arguments):
        raise Invalid(
            "用户资料有误：班组最多 40 个字",
            fields={"team": "班组最多 40 个字", "username": "用户名为 3–40 位"},
        )

    monkeypatch.setattr(cli, "_run", refuse)
    with pytest.raises(SystemExit) as ended:
        cli.main(["init"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "zaitu: 用户资料有误：班组最多 40 个字：用户名为 3–40 位\n"
