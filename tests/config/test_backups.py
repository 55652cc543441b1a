import hashlib
import json
import secrets
import shutil
import socket
import tarfile
import tempfile
import threading
from contextlib import nullcontext, suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.running import Installation
from zaitu.config import backups, dumps
from zaitu.config.homes import Home
from zaitu.kernel.errors import Invalid, Unavailable


@pytest.fixture(scope="module")
def company():
    """An installation with a company, a user and a file, and its backup."""
    place = Path(tempfile.mkdtemp(prefix="zaitu-place-"))
    place.chmod(0o711)
    one = Installation(place / "home")
    done = one.run("init", "--company", "顺驰物流", "--admin", "amei", "--name", "阿美")
    assert done.returncode == 0, done.stderr
    one.said_at_init = done.stdout
    archived = one.home / "archive" / "day.parquet"
    archived.parent.mkdir()
    archived.write_bytes(b"PAR1")
    photo = one.home / "files" / "2026" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"\xff\xd8photo")
    one.backup = place / "day.zaitu"
    done = one.run("backup", str(one.backup))
    assert done.returncode == 0, done.stderr
    yield one
    shutil.rmtree(place, ignore_errors=True)


def test_init_says_the_password_once_and_refuses_a_second_time(company):
    assert "初始密码" in company.said_at_init
    again = company.run("init", "--company", "顺驰物流", "--admin", "bob")
    assert again.returncode == 2
    assert again.stderr.strip() == f"zaitu: {company.home} 已有用户，无需再次初始化"


def test_a_name_that_is_refused_at_init_can_be_corrected(installation):
    one = installation()
    refused = one.run("init", "--company", "长" * 41, "--admin", "amei")
    assert (refused.returncode, refused.stderr.strip()) == (2, "zaitu: 公司名称最多 40 个字")
    assert one.run("init", "--company", "顺驰物流", "--admin", "amei").returncode == 0


def test_a_login_name_that_is_refused_at_init_is_told_with_what_one_looks_like(installation):
    done = installation().run("init", "--company", "顺达物流", "--admin", "bad name!")
    assert done.returncode == 2
    assert done.stderr == "zaitu: 用户资料有误：用户名为 3–40 位小写字母、数字、点、横线\n"


def test_init_without_a_terminal_names_the_missing_flag(installation):
    done = installation().run("init")
    assert done.returncode == 2
    assert done.stderr.strip() == "zaitu: 缺少公司名称，请加 --company"


@pytest.fixture
def old_server(postgres15):
    """A database of its own on PostgreSQL 15, and one of the extensions made by somebody else."""
    name, password = f"zaitu_{secrets.token_hex(4)}", secrets.token_hex(16)
    parts = urlsplit(postgres15)
    place = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    with psycopg.connect(postgres15, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        admin.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8'")
        with psycopg.connect(parts._replace(path=f"/{name}").geturl(), autocommit=True) as inside:
            inside.execute("CREATE EXTENSION pg_trgm")
        yield parts._replace(netloc=f"{name}:{password}@{place}", path=f"/{name}").geturl()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute(f"DROP ROLE {name}")


DUMP = ("dumpdata", "access.user", "network.company", "auth", "--indent", "1")


def test_a_backup_moves_to_an_old_server_which_then_runs_the_product_and_back(
    company, installation, old_server
):
    there = installation("there", database_url=old_server)
    done = there.run("restore", str(company.backup))
    assert done.returncode == 0, done.stderr
    ours = company.run(*DUMP).stdout
    assert "amei" in ours
    assert there.run(*DUMP).stdout == ours
    there.up()
    assert there.get("/healthz/ready").json() == {"status": "ready"}
    there.stop()
    assert there.run("backup", str(there.home.with_name("back.zaitu"))).returncode == 0
    back = installation("back")
    done = back.run("restore", str(there.home.with_name("back.zaitu")))
    assert done.returncode == 0, done.stderr
    assert back.run(*DUMP).stdout == ours


def test_a_restore_that_fails_in_the_middle_leaves_the_server_as_it_was(company, installation, old_server):
    bad = company.backup.with_name("torn.zaitu")
    _with_torn_dump(company.backup, bad)
    done = installation("torn", database_url=old_server).run("restore", str(bad))
    assert (done.returncode, done.stdout) == (2, "")
    assert "pg_restore 没有完成" in done.stderr
    with psycopg.connect(old_server) as left:
        tables = left.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        assert tables.fetchone() == (0,)


def test_a_database_with_tables_is_not_restored_into(company, installation, old_server):
    with psycopg.connect(old_server, autocommit=True) as there:
        there.execute("CREATE TABLE ours (kept int)")
    done = installation("full", database_url=old_server).run("restore", str(company.backup))
    assert (done.returncode, done.stderr.strip()) == (2, "zaitu: 目标数据库里已有表；恢复只写入空数据库")


def test_settings_of_a_newer_server_are_left_out_and_rows_stay_as_they_are():
    script = BytesIO(
        b"SET lock_timeout = 0;\nSET transaction_timeout = 0;\n\n-- Name: a; Type: TABLE\n"
        b"COPY public.a FROM stdin;\nSET transaction_timeout = 0;\n\\.\n"
    )
    kept = list(dumps._preamble(script, frozenset({b"lock_timeout"})))
    assert kept == [b"SET lock_timeout = 0;\n", b"\n", b"-- Name: a; Type: TABLE\n"]
    assert b"SET transaction_timeout = 0;\n" in script.read()


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        (b"ALTER TABLE ONLY public.a ALTER COLUMN b SET (pg_attver=43745192);\n", True),
        (b'ALTER TABLE ONLY public.a ALTER COLUMN "b c" SET (n_distinct=5);\n', True),
        (b"ALTER TABLE ONLY public.a ALTER COLUMN id SET DEFAULT nextval('public.s'::regclass);\n", False),
        (b"ALTER TABLE public.a ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (\n", False),
    ],
)
def test_only_the_options_of_columns_are_left_out(line, is_one):
    assert bool(dumps._COLUMN_OPTIONS.match(line)) is is_one


def test_a_restored_home_gives_the_same_answers(company, installation):
    other = installation("other")
    done = other.run("restore", str(company.backup))
    assert done.returncode == 0, done.stderr
    ours = json.loads(company.run(*DUMP).stdout)
    assert "amei" in str(ours)
    assert "顺驰物流" in str(ours)
    assert json.loads(other.run(*DUMP).stdout) == ours
    for name in ("secrets/secret_key", "secrets/data_key", "files/2026/photo.jpg", "archive/day.parquet"):
        assert (other.home / name).read_bytes() == (company.home / name).read_bytes()
    assert (other.home / "secrets/data_key").stat().st_mode & 0o077 == 0


def test_the_backup_is_for_its_owner_only_and_is_not_overwritten(company):
    assert company.backup.stat().st_mode & 0o077 == 0
    again = company.run("backup", str(company.backup))
    assert (again.returncode, again.stderr.strip()) == (2, f"zaitu: {company.backup} 已存在，备份不会覆盖它")


def test_restore_writes_into_an_empty_home_only(company):
    before = (company.home / "secrets/data_key").read_bytes()
    done = company.run("restore", str(company.backup))
    assert done.returncode == 2
    assert "不是空的" in done.stderr
    assert (company.home / "secrets/data_key").read_bytes() == before


def _changed(source, target, change):
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old.getmembers():
            content = old.extractfile(member).read()
            for name, body in change(member.name, content):
                about = tarfile.TarInfo(name)
                about.size = len(body)
                new.addfile(about, BytesIO(body))


def _half(source, target):
    target.write_bytes(source.read_bytes()[: source.stat().st_size // 2])


def _flipped(source, target):
    _changed(
        source, target, lambda name, body: [(name, body[:-1] + b"?" if name == "database.dump" else body)]
    )


def _without_dump(source, target):
    _changed(source, target, lambda name, body: [] if name == "database.dump" else [(name, body)])


def _climbing(source, target):
    _changed(
        source,
        target,
        lambda name, body: [(name, body), *([("files/../../evil", b"x")] if "dump" in name else [])],
    )


def _with_dump(source, target, dump):
    """With another dump, right by its own manifest; only pg_restore can tell."""

    def change(name, body):
        if name == "manifest.json":
            manifest = json.loads(body)
            manifest["sha256"]["database.dump"] = hashlib.sha256(dump).hexdigest()
            body = json.dumps(manifest).encode()
        return [(name, dump if name == "database.dump" else body)]

    _changed(source, target, change)


def _with_broken_dump(source, target):
    _with_dump(source, target, b"broken")


def _with_torn_dump(source, target):
    """Its tables can still be made; its rows end too early."""
    with tarfile.open(source) as archive:
        dump = archive.extractfile("database.dump").read()
    _with_dump(source, target, dump[:-20_000])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda source, target: target.write_bytes(b"PK\3\4 not ours"), "不是 zaitu backup 写出的文件"),
        (lambda source, target: target.write_bytes(b""), "不是 zaitu backup 写出的文件"),
        (lambda source, target: None, "找不到文件"),
        (_half, "损坏"),
        (_flipped, "database.dump 与清单不符"),
        (_without_dump, "缺少 database.dump"),
        (_climbing, "与清单不符"),
        (_with_broken_dump, "pg_restore 没有完成"),
        (_with_torn_dump, "pg_restore 没有完成"),
    ],
    ids=[
        "foreign",
        "empty",
        "missing",
        "half",
        "flipped",
        "incomplete",
        "climbing",
        "dump-broken",
        "dump-torn",
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_and_nothing_is_left(
    company, installation, place, damage, said
):
    bad = place / "bad.zaitu"
    damage(company.backup, bad)
    one = installation("fresh")
    done = one.run("restore", str(bad))
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr
    assert not one.home.exists() or {path.name for path in one.home.iterdir()} <= {"run", "logs"}
    assert not (place / "evil").exists()


def test_a_database_that_must_be_reached_over_tls_is_not_dumped_without(tmp_path):
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve():
            with suppress(OSError), listening.accept()[0] as line:
                heard.append(line.recv(100))

        threading.Thread(target=serve, daemon=True).start()
        url = f"postgresql://amei:hush@127.0.0.1:{listening.getsockname()[1]}/zaitu?sslmode=require"
        with pytest.raises(Unavailable, match="sslmode"):
            backups.backup(Home(tmp_path / "home"), url, tmp_path / "day.zaitu")
    assert heard == []
    assert {path.name for path in tmp_path.iterdir()} <= {"home"}, "nothing half is left"


_NOTHING = ("manifest.json", b'{"format": 1, "sha256": {}}')


@pytest.mark.parametrize(
    "members",
    [
        [("manifest.json", b"[]")],
        [("manifest.json", b"[" * 200_000)],
        [_NOTHING, (".", b"x")],
        [_NOTHING, ("", b"x")],
        [_NOTHING],
    ],
    ids=["list", "deep", "dot", "nameless", "without-anything"],
)
def test_a_made_up_archive_is_invalid_and_no_traceback(tmp_path, members):
    bad = tmp_path / "bad.zaitu"
    with tarfile.open(bad, "w") as new:
        for name, body in members:
            about = tarfile.TarInfo(name)
            about.size = len(body)
            new.addfile(about, BytesIO(body))
    with pytest.raises(Invalid):
        backups.restore(Home(tmp_path / "home"), bad, database=nullcontext, url="")
    assert not (tmp_path / "home").exists()
