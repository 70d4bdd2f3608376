"""Floor 1: the five nodes. A node reads a frozen state, touches the world through `Deps` alone and returns an update."""
