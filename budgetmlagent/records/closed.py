"""What a checkpoint may hold: plain values, as JSON has them, and the question that a run waits to be answered.

LangGraph's own serializer makes whatever object the bytes name, by calling it: in a stranger's run that may be any function
of any module. Here the names are compared with a list of one before anything is made.
"""

import re
from typing import TYPE_CHECKING, Any

import ormsgpack
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from graphs.contract import NodeContractError

if TYPE_CHECKING:
    from langgraph.types import Interrupt

QUESTION = ("langgraph.types", "Interrupt")
NAME = re.compile(r"[\w.]{1,80}", re.ASCII)


class ForeignError(Exception):
    """The bytes hold what is no plain value; `str(error)` names it."""


class PlainSerializer(JsonPlusSerializer):
    """Writes as LangGraph does, and reads and writes nothing but plain values and a run's question."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Encode `obj`. Raises NodeContractError where it would not be read again."""
        written = super().dumps_typed(obj)
        try:
            self.loads_typed(written)
        except ForeignError as error:
            raise NodeContractError(
                f"a node wrote {error}; a state holds plain values, as JSON has"
            ) from None
        return written

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Decode. Raises ForeignError for what is not plain, and ValueError for what is damaged."""
        kind, content = data
        if kind == "null":
            return None
        if kind != "msgpack":
            raise ForeignError(_named(kind))
        foreign: list[str] = []

        def question(_: int, packed: bytes) -> "Interrupt":
            from langgraph.types import Interrupt  # a quarter of a second, for a run that waits alone

            match ormsgpack.unpackb(packed, ext_hook=question, option=ormsgpack.OPT_NON_STR_KEYS):
                case [module, name, {"value": value, "id": str(key)}] if (module, name) == QUESTION:
                    return Interrupt(value=value, id=key)
                case [str(module), str(name), *_]:
                    foreign.append(_named(f"{module}.{name}"))
            raise ValueError

        try:
            return ormsgpack.unpackb(content, ext_hook=question, option=ormsgpack.OPT_NON_STR_KEYS)
        except ValueError as error:
            # The library keeps no exception of the hook's, only that there was one.
            if foreign or "ext_hook" in str(error):
                raise ForeignError(foreign[0] if foreign else "an object") from None
            raise


def _named(name: str) -> str:
    """Return a stranger's name as it may be printed."""
    return name if NAME.fullmatch(name) else "an object"
