"""A run as one file for a browser: the page and all that it shows of the run. It asks nobody for anything, and can ask nobody."""

import base64
import hashlib
import json
from html import escape

from budgetmlagent.run.view import RunView
from budgetmlagent.studio import look
from budgetmlagent.studio.bundle import bundle
from budgetmlagent.studio.replies import RunReply
from budgetmlagent.studio.snapshot import Snapshot

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{csp}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{css}</style>
</head>
<body>
<div id="studio"></div>
<script type="application/json" id="studio-data">{data}</script>
<script type="module">{js}</script>
</body>
</html>
"""


def html(view: RunView) -> bytes:
    """Return a run as it stands as one HTML file, the same bytes for the same run.

    Raises UnavailableError where the run is damaged, and where the page is not installed.
    """
    files = bundle()
    js, css = (_inside(files[name].decode("utf-8")) for name in ("app.js", "app.css"))
    policy = (
        f"default-src 'none'; script-src '{_hash(js)}'; style-src '{_hash(css)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
    page = PAGE.format(csp=policy, title=escape(view.run_id), css=css, data=_data(view), js=js)
    return page.encode("utf-8", "backslashreplace")


def _data(view: RunView) -> str:
    """Return what the page shows, as JSON in which nothing can end the element that it stands in."""
    now = Snapshot.of(view)
    told = _passed_on(view, look.run(now))
    steps = [look.step(view, step.event.step) for step in now.steps]
    return json.dumps({"run": told, "steps": steps}, allow_nan=False).replace("<", "\\u003c")


def _passed_on(view: RunView, told: RunReply) -> RunReply:
    """Return a run as somebody else may see it: where it lay on this machine, and which process drove it, is not theirs."""
    told["summary"] = told["summary"] | {"run_dir": view.run_id}
    told["live"] = told["live"] | {"pid": None, "ours": False}
    return told


def _inside(text: str) -> str:
    """Return a text of the bundle that stands in an element. `make check` sees to it that the bundle holds no end of one."""
    assert "</script" not in text and "</style" not in text and "<!--" not in text, (
        "the bundle can be inlined"
    )
    return text


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
