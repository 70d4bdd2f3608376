"""Profiling: each model does a small set of exercises with checkable answers, so that it is asked for what it can do."""
