"""What mkdocs asks while it builds the site: pages made from the program, and files that stand elsewhere.

Some pages are files outside of ``docs/`` (the model card, the list of data sets); links to them are right in
the repository, and are turned to where the site has them.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from website.command_pages import command_page
from website.gallery import gallery_page
from website.settings_pages import settings_page

from reid.cli import app as reid_app
from reid.training.settings import TrainingSettings
from tracker.cli import app as track_app
from tracker.config import TrackerConfig

_ROOT = Path(__file__).parent.parent
_EXPERIMENTS = _ROOT / "results" / "experiments"

#: Files that stand elsewhere, and what they are called on the site.
_ELSEWHERE = {
    "data/README.md": "data.md",
    "reid/weights/README.md": "weights.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}

_OVERRIDES = (
    "Any key can be changed for one run: `{command} --set a.b=value`; entries of a list go by `name` or "
    "number. An unknown key is refused, with the nearest known one."
)
_LINK = re.compile(r"\]\((?P<path>[^)#:\s]+)(?P<rest>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not stand in ``docs/``."""
    for source, target in _ELSEWHERE.items():
        files.append(File.generated(config, target, content=(_ROOT / source).read_text(encoding="utf-8")))
    for name, text in _made_pages().items():
        files.append(File.generated(config, name, content=text))
    text, pictures = gallery_page(_EXPERIMENTS)
    files.append(File.generated(config, "gallery.md", content=text))
    for picture in pictures:
        name = f"gallery/{picture.parent.name}/{picture.name}"
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, **others: Any) -> str:
    """Turn links to files that stand elsewhere."""
    stands = next((there for there, here in _ELSEWHERE.items() if here == page.file.src_uri), None)
    folder = posixpath.dirname(stands if stands is not None else f"docs/{page.file.src_uri}")

    def turned(link: re.Match[str]) -> str:
        meant = posixpath.normpath(posixpath.join(folder, link["path"]))
        target = _ELSEWHERE.get(meant, meant.removeprefix("docs/") if meant.startswith("docs/") else None)
        return link[0] if target is None else f"]({target}{link['rest'] or ''})"

    return _LINK.sub(turned, markdown)


def _made_pages() -> dict[str, str]:
    return {
        "commands.md": command_page(
            "Commands",
            "What `track --help` and `reid --help` say.",
            {"track": track_app, "reid": reid_app},
        ),
        "tracker-settings.md": settings_page(
            "Tracker files",
            "All keys of `configs/trackers/*.yaml`, and of a tracker file of your own. "
            + _OVERRIDES.format(command="track"),
            TrackerConfig,
        ),
        "training-settings.md": settings_page(
            "Training files",
            "All keys of `configs/reid/*.yaml`. " + _OVERRIDES.format(command="reid train"),
            TrainingSettings,
        ),
    }
