"""Floor 2: the graph as data - spec, rules, compiler, drawing - and the shipped graphs (*.yaml)."""
