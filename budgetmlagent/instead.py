"""What may stand in the place of a models.yaml, and of an address in one."""

EMBEDDED = "embedded"  # the models that come with the program
REPLAY = "replay:"  # and a run's folder: what its models replied
