"""Texts as vectors with no download and no network: the weights come inside the package `wordllama`.

This module imports Chroma, which takes half a second, so only `memory.store` imports it, and late.
"""

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromadb.api.types import Documents, EmbeddingFunction, Embeddings, Space
from chromadb.utils.embedding_functions import register_embedding_function

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 8_000  # characters of a text that are embedded: what an item is about stands at its beginning


@cache
def _model() -> Any:
    """Load the weights once a process, 0.2 s."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    import wordllama

    # Its import sets up logging for the whole process, which is not a library's business: undo that.
    root.handlers[:], level = before
    root.setLevel(level)
    # The package's own folder as its cache, or it would try to download its tokenizer.
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def embedded(texts: Sequence[str]) -> "list[NDArray[np.float32]]":
    """Return a vector of length 1 for each text, of which none is empty."""
    return list(_model().embed([text[:LONGEST] for text in texts], norm=True))


@register_embedding_function
class WordEmbedding(EmbeddingFunction[Documents]):
    """Mean word vectors of unit length, 256 dimensions. Registered, so a stored collection finds it again."""

    def __init__(self) -> None:
        pass  # Chroma warns about an embedding that inherits its constructor

    def __call__(self, input: Documents) -> Embeddings:
        """Embed non-empty texts, one vector each."""
        return embedded(input)  # type: ignore[return-value]  # a list is invariant

    @staticmethod
    def name() -> str:
        """Return the name under which a collection remembers it."""
        return "budgetml_wordllama"

    def get_config(self) -> dict[str, Any]:
        """Return what Chroma stores to build it again: nothing to set."""
        return {}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "WordEmbedding":  # noqa: ARG004 (there is nothing in it)
        """Build it for a reopened collection."""
        return WordEmbedding()

    def default_space(self) -> Space:
        """Return the distance of its collections."""
        return "cosine"
