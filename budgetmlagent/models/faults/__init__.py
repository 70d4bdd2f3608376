"""Whose fault it is that no answer came: what was raised or said, read and judged."""
