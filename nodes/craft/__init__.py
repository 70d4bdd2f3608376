"""The pure parts of the nodes' craft: what makes a script better without a model."""
