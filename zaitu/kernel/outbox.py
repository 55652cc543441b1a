"""Events leave a room through here, in the transaction of the fact they tell."""

from zaitu.kernel.events import Event


def put(*events: Event) -> None:
    """Write events beside the change they belong to; they are delivered at least once after commit.

    Must be called inside a transaction; raises RuntimeError outside one, for then fact and event could part.
    """
    raise NotImplementedError(events)
