"""A graph's YAML text: read with places, edited with every comment kept, written."""
