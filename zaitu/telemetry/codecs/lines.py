"""Bytes that people write in hexadecimal, for `zaitu decode`."""


def bytes_of(line: str) -> bytes:
    """Spaces, `0x`, commas, hyphens and capitals do not matter. Raises ValueError."""
    for separator in ("0x", "0X", ",", "-"):
        line = line.replace(separator, " ")
    try:
        return bytes.fromhex("".join(line.split()))
    except ValueError as error:
        raise ValueError("only pairs of hexadecimal digits can be read") from error
