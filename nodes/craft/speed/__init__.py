"""Edits that save repeated work in a script that is timed: in its loops, and in functions that only compute."""
