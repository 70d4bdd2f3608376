"""Parquet, Feather and Arrow files, by pandas and pyarrow."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from budgetmlagent.errors import UsageError
from budgetmlagent.new.sources import values
from budgetmlagent.new.tablefile import Table

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
ENDINGS = (*PARQUET, ".feather", ".arrow")
STREAM = b"\xff\xff\xff\xff"  # how Arrow begins that was sent, and not written as a file


def read(path: Path, table: str, _target: str) -> Table:
    """Read a file, which holds one table. Raises UsageError."""
    if table:
        raise UsageError(f"--table {table!r}: {path} holds one table; leave the option out")
    try:
        import pyarrow
    except ImportError:
        raise values.needed("pyarrow", "and parquet, feather and arrow are read with it") from None
    with values.opened(path) as file:
        try:
            frame = _frame(file, path.name.lower().endswith(PARQUET))
        except (pyarrow.ArrowException, ValueError, OSError) as error:
            kind = path.suffix.lower()[1:]
            raise UsageError(f"{path}: is no {kind} table: {str(error).splitlines()[0]}") from None
    if any(name is not None and name not in frame.columns for name in frame.index.names):
        frame = frame.reset_index()
    return values.of_frame(frame, str(path))


def _frame(file: BinaryIO, parquet: bool) -> "pd.DataFrame":
    """The file's table; whole numbers stay whole beside gaps. Raises ArrowException, ValueError, OSError."""
    import pandas as pd

    if parquet:
        return pd.read_parquet(file, dtype_backend="numpy_nullable", engine="pyarrow")
    sent = file.read(len(STREAM)) == STREAM
    file.seek(0)
    return pd.read_feather(_written(file) if sent else file, dtype_backend="numpy_nullable")


def _written(stream: BinaryIO) -> BinaryIO:
    """The same table as a file is written."""
    from pyarrow import feather, ipc

    whole = io.BytesIO()
    feather.write_feather(ipc.open_stream(stream).read_all(), whole)
    whole.seek(0)
    return whole
