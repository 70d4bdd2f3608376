"""A run for somebody else: a folder to send, a page, traces."""
