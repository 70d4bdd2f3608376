"""Models: models.yaml, the client that pays, what is known of an endpoint, the replay."""
