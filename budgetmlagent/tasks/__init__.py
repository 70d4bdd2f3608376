"""Task folders: what a user brings, and the bundled ones."""
