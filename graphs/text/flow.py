"""Values as YAML on one line: `{when: stuck, attempts: 4, to: expert}`.

Written here and not by ruamel.yaml, whose writer makes text of some strings (`?0`, a line separator) that it then reads as
something else; hypothesis finds them within seconds.
"""

import re
from collections.abc import Mapping
from typing import Any

from graphs.finding import GraphError

PLAIN = re.compile(r"[^\W\d][\w./-]*(:[^\W\d]\w*)?")  # a name, a path, `package.module:function`
TAKEN = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}  # other values, here or in YAML 1.1
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def flow(value: Any) -> str:
    """Return `value` as YAML on one line. Raises GraphError for what is no plain value."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return int.__repr__(value)
        case float():
            return re.sub("(inf|nan)", r".\1", float.__repr__(value))
        case str():
            return value if PLAIN.fullmatch(value) and value.lower() not in TAKEN else _quoted(value)
        case list() | tuple():
            return f"[{', '.join(map(flow, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{flow(key)}: {flow(item)}' for key, item in value.items())}}}"
    kind = type(value).__name__
    raise GraphError(f"a {kind} cannot stand in a graph file: text, numbers, lists and mappings can")


def _quoted(text: str) -> str:
    return f'"{"".join(ESCAPES.get(c) or (c if c.isprintable() else _escaped(c)) for c in text)}"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
