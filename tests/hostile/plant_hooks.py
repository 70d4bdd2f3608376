"""Plant a repository whose settings and hooks run a program as soon as somebody asks git for its state here."""

import json
from pathlib import Path

program = f"touch {json.loads(Path('targets.json').read_text())['target']}/escaped"
for name in ("objects", "refs/heads", "hooks"):
    Path(".git", name).mkdir(parents=True)
Path(".git/HEAD").write_text("ref: refs/heads/main\n")
Path(".git/config").write_text(f'[core]\n\trepositoryformatversion = 0\n\tfsmonitor = "{program}; false"\n')
for name in ("post-checkout", "pre-commit", "post-index-change"):
    Path(".git/hooks", name).write_text(f"#!/bin/sh\n{program}\n")
    Path(".git/hooks", name).chmod(0o755)
