"""Pictures of a graph: Mermaid text, a run laid over it, SVG and PNG."""
