"""Edits of a script that is timed: they save repeated work in loops, and in functions that only compute."""
