"""Models in a child process of this machine: their weights, fetched and checked, and their server."""
