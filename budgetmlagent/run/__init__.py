"""A run: asked for, wired, stepped through, looked at, forked, replayed."""
