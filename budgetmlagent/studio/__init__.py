"""Runs and graphs seen, steered and edited in a browser or a notebook: a page that holds no rule, and its host."""
