"""A run's folder and what can be read from it: checkpoints as a tree, events, the summary."""
