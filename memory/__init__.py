"""Floor 0: working memory (state), files by hash (artifacts) and long-term memory (history, cases)."""
