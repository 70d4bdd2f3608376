"""New things from templates: a task from a table, a node, a graph, a models.yaml."""
