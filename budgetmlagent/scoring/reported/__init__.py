"""The score that a script reports itself: the number beside the metric that the starter prints."""
