"""What is wrong with a graph, with file, line, column and what to do."""
