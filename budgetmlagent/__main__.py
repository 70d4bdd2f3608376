"""`python -m budgetmlagent`: the command where its folder is not on PATH, as in a notebook's kernel."""

from budgetmlagent.cli import main

main()
