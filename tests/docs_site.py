"""Build the docs site: README.md and docs/ with a reference, as plain files that need no network. `make docs` runs it.

What the pages point to outside docs/ becomes a page, too (the source of a file, in colours), so each link leads somewhere within
the site. Pictures of graphs are drawn here, not in the reader's browser. Each link and anchor is followed afterwards, and nothing may
be loaded from elsewhere; what is wrong is one line each, and status 1.
"""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import reference

from graphs.drawing.picture import readable, svg

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "docs"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
DRAWN = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {".py": "python", ".yaml": "yaml", ".md": "markdown", ".txt": "text", "": "text"}
LOADS = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("use", "href"),
}


def main() -> None:
    """Build the site and check it. Status 1 where a link leads nowhere or something would be loaded from elsewhere."""
    out, pages = BUILD / "site", BUILD / "pages"
    shutil.rmtree(BUILD, ignore_errors=True)
    gather(pages)
    config = BUILD / "zensical.toml"
    shutil.copyfile(ROOT / "docs" / "site.toml", config)
    build = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(config)]
    subprocess.run(build, cwd=BUILD, check=True)
    if wrong := faults(out):
        sys.exit("\n".join(wrong))
    print(f"{len(list(out.rglob('*.html')))} pages, each link followed: {out / 'index.html'}")


# -- what the site is made of


def gather(pages: Path) -> None:
    """Write into `pages` all that the site is made of: README.md, docs/, the reference, what they point to."""
    (pages / "reference").mkdir(parents=True)
    shutil.copytree(ROOT / "docs" / "pictures", pages / "docs" / "pictures")
    shutil.copyfile(ROOT / "docs" / "site.css", pages / "site.css")
    for name, text in reference.pages().items():
        (pages / "reference" / f"{name}.md").write_text(text, encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        put(path, pages)


def put(path: Path, pages: Path) -> None:
    """Write one page, and what it points to."""
    at = pages / place(path)
    at.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8")
    drawn = DRAWN.sub(lambda m: picture(m[1], at), text)
    at.write_text(LINK.sub(lambda m: led(m[1], path, at, pages) + (m[2] or ""), drawn), encoding="utf-8")


def place(path: Path) -> Path:
    """Return where a file of the repository stands among the pages."""
    within = path.relative_to(ROOT)
    return Path("index.md") if within == Path("README.md") else within


def picture(text: str, at: Path) -> str:
    """Draw a graph beside its page and return what shows it."""
    made = svg(text)
    name = re.search(r'id="(graph-\w+)"', made)
    assert name, "a picture has an id"
    (at.parent / f"{name[1]}.svg").write_text(readable(made), encoding="utf-8")
    told = "The graph; the text below it, or its file, says the same"
    return f'<div class="graph"><img alt="{told}" src="{name[1]}.svg"></div>'


def led(target: str, path: Path, at: Path, pages: Path) -> str:
    """Return where a link of a page leads within the site; what it points to is put there."""
    found = Path(os.path.normpath(path.parent / unquote(target)))
    if not found.is_file():
        return target  # the builder and the check say so
    to = pages / place(found)
    is_page = found.parent == ROOT / "docs" or found == ROOT / "README.md"
    if not is_page and found.suffix in LANGUAGES:
        to = pages / "source" / f"{found.relative_to(ROOT)}.md"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(source(found), encoding="utf-8")
    elif not is_page:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, to)
    return os.path.relpath(to, at.parent)


def source(path: Path) -> str:
    """Return the page of a file: its text as it stands, in colours."""
    text = path.read_text(encoding="utf-8")
    fence = "`" * (max(map(len, re.findall(r"`+", text)), default=2) + 3)
    language = LANGUAGES[path.suffix]
    return f"# {path.relative_to(ROOT)}\n\n{fence}{language}\n{text}\n{fence}\n"


# -- what is checked


class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag names."""
        given = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}
        for key in ("href", "src"):
            if value := given.get(key):
                canonical = tag == "link" and given.get("rel") in ("canonical", "next", "prev")
                (self.loads if (tag, key) in LOADS and not canonical else self.links).append(value)


def faults(site: Path) -> list[str]:
    """Return a line for each link that leads nowhere and for each thing that would be loaded from elsewhere."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    wrong = []
    for path, page in pages.items():
        where = path.relative_to(site)
        wrong += [f"{where}: loads {one} from elsewhere" for one in page.loads if outside(one)]
        for link in page.links + page.loads:
            if not outside(link) and not leads(link, path, pages, site):
                wrong.append(f"{where}: {link} leads nowhere")
    return wrong + loaded_by_styles(site)


def outside(link: str) -> bool:
    """Say whether a link leads out of the site."""
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme not in ("", "data", "javascript")


def leads(link: str, path: Path, pages: dict[Path, Page], site: Path) -> bool:
    """Say whether a link leads to a file of the site, and to an anchor that it has."""
    bare, anchor = urldefrag(link)
    if urlsplit(link).scheme:
        return True
    base = site if bare.startswith("/") else path.parent
    to = Path(os.path.normpath(base / unquote(urlsplit(bare).path).lstrip("/"))) if bare else path
    to = to / "index.html" if to.is_dir() else to
    return to.is_file() and (not anchor or to not in pages or unquote(anchor) in pages[to].anchors)


def loaded_by_styles(site: Path) -> list[str]:
    """Return a line for each thing that a style sheet would load from elsewhere."""
    found = []
    for path in sorted(site.rglob("*.css")):
        names = re.findall(
            r"url\(['\"]?(?:https?:)?//[^)]*\)|@import[^;]*//[^;]*", path.read_text(encoding="utf-8")
        )
        found += [f"{path.relative_to(site)}: loads {name} from elsewhere" for name in names]
    return found


if __name__ == "__main__":
    main()
