"""Who turns texts into vectors: weights that come inside a package, an OpenAI-compatible endpoint, or a function of Chroma's.

The shipped weights (`wordllama`) need no download and no network. What is asked of an endpoint or a function is asked of whoever
answers there, so that the texts of tasks whose data stay are never given to one that is not on this machine.
"""

import ipaddress
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from memory.files import parsed
from memory.items import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = list[NDArray[np.float32]]

LONGEST = 8_000  # characters of a text that are embedded: what an item is about stands at its beginning
ASKED = 2_000  # of them by an endpoint or a function: models of few hundred tokens refuse a longer text
AT_ONCE = 64  # texts of one request
PATIENCE = 60.0  # seconds for an answer
PAUSES = (1.0, 3.0)  # seconds before another try, where the endpoint is busy or out of reach
MOST = 1 << 26  # bytes of an answer
# Functions of Chroma's that compute here. Any other may send texts away.
HERE = frozenset({"default", "onnx_mini_lm_l6_v2", "sentence_transformer", "instructor", "text2vec"})
FORM = '"shipped", "URL MODEL", "URL MODEL VARIABLE" (the variable holds the key), or the name of a Chroma embedding function'


@dataclass(frozen=True)
class Embedding:
    """Who embeds: an endpoint at `url`, a `function` of Chroma's, or, where neither is named, the shipped weights."""

    url: str = ""
    model: str = ""
    key: str = ""
    """Name of the variable that holds the endpoint's key."""
    function: str = ""

    @property
    def local(self) -> bool:
        """Whether no text leaves this machine."""
        return is_local(urlsplit(self.url).hostname or "") if self.url else self.function in HERE | {""}

    @property
    def host(self) -> str:
        """To whom texts are sent, with the port; "" where they stay on this machine."""
        return "" if self.local else urlsplit(self.url).netloc or f"Chroma's {self.function}"

    @property
    def batch(self) -> int:
        """How many texts are worth one write: as many as take a moment."""
        return 1_000 if self == SHIPPED else 2 * AT_ONCE

    def __str__(self) -> str:
        """Return what has to be equal for two vectors to be compared."""
        return f"{self.url} {self.model}" if self.url else self.function or "shipped"

    def vectors(self, texts: Sequence[str]) -> "Vectors":
        """Return a vector of length 1 for each text, of which none is empty. Raises StoreError where nobody makes them."""
        if not self.url and not self.function:
            return list(_words().embed([text[:LONGEST] for text in texts], norm=True))
        short = [text[:ASKED] for text in texts]
        ask = self._of_endpoint if self.url else self._of_function
        parts = [short[start : start + AT_ONCE] for start in range(0, len(short), AT_ONCE)]
        return [vector for part in parts for vector in self._checked(part, ask(part))]

    def _checked(self, texts: Sequence[str], answer: Any) -> "Vectors":
        """Return the vectors of an answer, made to have length 1."""
        import numpy as np

        try:
            table = np.asarray(answer, dtype=np.float32)
        except (TypeError, ValueError, OverflowError):
            table = np.zeros(0, dtype=np.float32)
        lengths = np.linalg.norm(table, axis=-1) if table.ndim == 2 else np.zeros(0)
        if len(lengths) != len(texts) or not all(map(math.isfinite, lengths)) or not lengths.all():
            raise self._refused(f"gave no vector for each of {len(texts)} texts")
        return list(table / lengths[:, None])

    def _of_function(self, texts: Sequence[str]) -> Any:
        try:
            return _function(self.function)(texts)
        except (ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise self._refused(str(error)) from error

    def _of_endpoint(self, texts: Sequence[str]) -> Any:
        for pause in (*PAUSES, None):
            status, answer = self._post(texts)
            if status and status < 500 and status != 429:
                break
            if pause is None:
                raise self._refused(answer.decode("utf-8", "replace") or f"status {status}")
            time.sleep(pause)
        try:
            data = sorted(parsed(answer)["data"], key=lambda one: int(one["index"]))
            return [one["embedding"] for one in data]
        except (LookupError, TypeError, ValueError):
            told = answer.decode("utf-8", "replace") if status != 200 else "its answer is none of embeddings"
            raise self._refused(f"status {status}: {told}") from None

    def _post(self, texts: Sequence[str]) -> tuple[int, bytes]:
        """Return the status and the body of an answer; 0 and what is wrong where there is none."""
        import httpx2

        secret = self._secret()
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        body = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        try:
            with (
                httpx2.Client(trust_env=not self.local, timeout=PATIENCE) as client,
                client.stream("POST", f"{self.url}/embeddings", json=body, headers=headers) as response,
            ):
                read = b""
                for chunk in response.iter_bytes():
                    read += chunk
                    if len(read) > MOST:
                        return 413, b"its answer has no end"
                return response.status_code, read.replace(secret.encode(), b"***") if secret else read
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            return 0, (str(error) or type(error).__name__).encode()

    def _secret(self) -> str:
        value = os.environ.get(self.key, "").strip() if self.key else ""
        if self.key and not (value and value.isascii() and value.isprintable()):
            raise StoreError(f"the embedding {self}: set {self.key} to its key, in the environment")
        return value

    def _refused(self, what: str) -> StoreError:
        told = " ".join(what.split())[:160]
        return StoreError(
            f"the embedding {self} does not answer as it should ({told}); correct `embedding` in budgetml.toml or"
            " BUDGETML_EMBEDDING, or leave it out for the shipped one"
        )


SHIPPED = Embedding()


def named(text: str) -> Embedding:
    """Return the embedding that a setting names. Raises ValueError for what is none."""
    words = text.split()
    if words == ["shipped"]:
        return SHIPPED
    if len(words) == 1 and "/" not in text:
        return Embedding(function=words[0])
    if len(words) not in (2, 3):
        raise ValueError(f"{text!r} is no embedding: give {FORM}")
    parts = urlsplit(words[0])
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError(f"{words[0]!r} is no address of an endpoint: give it as http://HOST:PORT/v1")
    _ = parts.port  # raises, where it is none
    return Embedding(words[0].rstrip("/"), *words[1:])


def is_local(host: str) -> bool:
    """Whether what is sent to `host` stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def _words() -> Any:
    """Load the shipped weights once a process, 0.2 s."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    import wordllama

    # Its import sets up logging for the whole process, which is not a library's business: undo that.
    root.handlers[:], level = before
    root.setLevel(level)
    # The package's own folder as its cache, or it would try to download its tokenizer.
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


@cache
def _function(name: str) -> Any:
    """Build a function of Chroma's as it is by default, its key from the variable that it names itself."""
    from chromadb.utils.embedding_functions import known_embedding_functions

    if name not in known_embedding_functions:
        raise ValueError("Chroma has no embedding function of this name")
    return known_embedding_functions[name]()
