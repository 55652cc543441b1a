"""A change of the data key: a new one before the old one, everything written anew, the old one dropped."""

from collections.abc import Iterator
from typing import Final

from zaitu.access import public as access
from zaitu.config.backups import FILES_LOCK
from zaitu.config.env import env
from zaitu.config.homes import Home, random_key
from zaitu.customers import public as customers
from zaitu.desk import public as desk
from zaitu.hotline import public as hotline
from zaitu.journey import public as journey
from zaitu.kernel import crypto, rewriting
from zaitu.kernel.errors import Conflict, Invalid, RuleBroken, Unavailable
from zaitu.kernel.principal import system
from zaitu.network import public as network
from zaitu.notify import public as notify
from zaitu.telemetry import public as telemetry

SECRET: Final = "data_key"  # noqa: S105  the name of a file
_ACTOR: Final = system("config.keys")
_ROOMS: Final = (customers, network, telemetry, notify, journey, desk, hotline)
"""The rooms that encrypt. `zaitu keys retire` refuses while a table of any other holds an older key."""


def verify(home: Home) -> None:
    """That the data key is the one this database was written with. Raises Unavailable."""
    if not rewriting.is_readable():
        where = "ZAITU_DATA_KEY" if env().data_key else str(home.path / "secrets" / SECRET)
        raise Unavailable(
            f"{where} 不是加密这个数据库的密钥，库里的个人信息一条也打不开：请放回原来的密钥（备份里有）再启动"
        )


def rotate(home: Home) -> None:
    """Put a new key before those there are. Raises Invalid (the key is not ours to change), Conflict while `zaitu up` runs."""
    _must_be_ours("请在最前面加上一个新密钥（逗号分隔）")
    try:
        # Who runs with the old key alone could not read what others write under the new one.
        with home.locked("up"):
            home.secret_put(SECRET, f"{random_key()},{home.secret(SECRET)}")
    except Conflict:
        raise Conflict("zaitu up 正在运行；请先停止它，再换密钥") from None


def rewrite(home: Home) -> Iterator[rewriting.Batch]:
    """Write everything anew that is not under the newest key; stopped, it goes on there the next time.

    Raises Conflict while a backup runs, Unavailable when the disk is full.
    """
    done = 0
    for room in _ROOMS:
        for batch in room.keys_rewrite(actor=_ACTOR):
            done += batch.done
            yield batch
    try:
        with home.locked(FILES_LOCK):
            for room in (journey, desk, telemetry):
                for batch in room.files_reseal(actor=_ACTOR):
                    done += batch.done
                    yield batch
    except OSError as error:
        raise Unavailable(f"图片没有写成：{error.strerror or error}") from None
    if done:
        access.audit(
            actor=_ACTOR, action="keys.rewrite", subject=f"key:{crypto.key_ids()[0]}", detail={"rows": done}
        )


def retire(home: Home) -> Iterator[rewriting.Batch]:
    """Write anew what is left and drop all keys but the newest.

    Raises as `rewrite`, Invalid (the key is not ours to change), RuleBroken when something is still under an older key.
    """
    _must_be_ours("请运行 zaitu keys rewrite，然后只保留第一个密钥")
    failed = 0
    for batch in rewrite(home):
        failed += batch.failed
        yield batch
    left = sum(rewriting.remaining().values())
    if failed or left:
        raise RuleBroken(f"还有 {max(failed, left)} 项不在新密钥下，旧密钥没有删除")
    newest = home.secret(SECRET).split(",")[0]
    home.secret_put(SECRET, newest)
    access.audit(actor=_ACTOR, action="keys.retire", subject=f"key:{crypto.key_ids()[0]}")


def _must_be_ours(advice: str) -> None:
    if env().data_key:
        raise Invalid(f"数据密钥由 ZAITU_DATA_KEY 给出：{advice}，并重启所有进程")
