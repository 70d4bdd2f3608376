"""Models: models.yaml, the embedded server, the client that pays, the replay."""
