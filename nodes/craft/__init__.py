"""The pure parts of the nodes' craft: reading, rendering, editing and judging scripts."""
