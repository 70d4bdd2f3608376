"""Scores, out of a script's reach: public while it runs, private at its end."""
