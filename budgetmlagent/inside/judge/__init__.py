"""Judges a submission, alone in a sandbox of its own: nothing here imports the application, numpy or pandas."""
