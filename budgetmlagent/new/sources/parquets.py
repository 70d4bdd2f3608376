"""Parquet files, by pandas and pyarrow."""

import re
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.new.sources import values
from budgetmlagent.new.tablefile import Table

ENDINGS = (".parquet", ".pq")
PLACE = re.compile(r"index|level_\d+")  # how pandas calls an index that has no name of its own


def read(path: Path, table: str, _target: str) -> Table:
    """Read a file, which holds one table. Raises UsageError."""
    if table:
        raise UsageError(f"--table {table!r}: {path} holds one table; leave the option out")
    try:
        import pyarrow
    except ImportError:
        raise values.needed("pyarrow", "and parquet is read with it") from None
    import pandas as pd

    with values.opened(path) as file:
        try:
            # Whole numbers stay whole beside gaps.
            frame = pd.read_parquet(file, dtype_backend="numpy_nullable", engine="pyarrow")
        except (pyarrow.ArrowException, ValueError, OSError) as error:
            raise UsageError(f"{path}: is no parquet table: {str(error).splitlines()[0]}") from None
    if any(name is not None and name not in frame.columns for name in frame.index.names):
        frame = frame.reset_index()
    return values.of_frame(frame, str(path))
