"""Zips that bills come in."""

import io
import zipfile
import zlib
from collections.abc import Callable

from chalicelib.payments.gateways import wire

_LARGEST = 512 << 20  # bytes of an unpacked bill
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, OSError),
    *(NotImplementedError, RuntimeError),  # an unknown method, a password
)


def unzip(content: bytes, *, is_wanted: Callable[[str], bool]) -> bytes:
    """The one file whose name (in GBK, unless it is marked as UTF-8) is wanted. Raises Malformed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as packed:
            files = [each for each in packed.infolist() if is_wanted(each.filename)]
            if len(files) == 1 and files[0].file_size <= _LARGEST:
                return packed.read(files[0])
    except _BROKEN as error:
        raise wire.Malformed(f"not a zip: {error}") from None
    raise wire.Malformed("not one file of rows")
