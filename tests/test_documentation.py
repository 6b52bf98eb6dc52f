"""What the documentation says exists: links, commands and their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from website.command_pages import command_page, commands_of
from website.settings_pages import field_words, sections_of, settings_page

from reid.cli import app as reid_app
from reid.training.settings import TrainingSettings
from tracker.cli import app as track_app
from tracker.config import TrackerConfig

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md", "reid/weights/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
#: Pages of the site that are made when it is built.
MADE = {"gallery.md", "commands.md", "tracker-settings.md", "training-settings.md", "weights.md"}

LINK = re.compile(r"\]\((?!\w+:)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
FENCE = re.compile(r"^```(?:bash|sh|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS: dict[str, Any] = commands_of("track", track_app) | commands_of("reid", reid_app)

if not (ROOT / "docs").is_dir():
    pytest.skip("the documentation is part of a checkout only", allow_module_level=True)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = page.parent / link["path"]
        made = page.parent == ROOT / "docs" and link["path"] in MADE
        assert made or target.exists(), f"{page}: there is no {link['path']}"


def blocks(text: str) -> Iterator[str]:
    """Blocks of code: fenced ones, and those that are indented by four columns."""
    yield from FENCE.findall(text)
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE)


def shown_commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                if re.match(r"\s*(\.venv/bin/)?(track|reid) ", line):
                    yield name_of(page), line.strip().removeprefix(".venv/bin/")


@pytest.mark.parametrize("page, line", list(shown_commands()))
def test_every_command_that_is_shown_can_be_parsed(page: str, line: str) -> None:
    program, *words = shlex.split(line, comments=True)
    name = program if program in COMMANDS else f"{program} {words.pop(0)}"
    # An unknown option, a missing argument or a wrong choice raises; nothing is run.
    COMMANDS[name].make_context(name, words)


def test_the_commands_shown_are_found_at_all() -> None:
    found = [line for _, line in shown_commands()]
    assert sum(line.startswith("track ") for line in found) > 5
    assert sum(line.startswith("reid ") for line in found) > 5


@pytest.mark.parametrize("root", [TrackerConfig, TrainingSettings])
def test_every_key_of_the_settings_is_in_the_reference(root: Any) -> None:
    page = settings_page("Title", "What for.", root)
    for model in sections_of(root):
        for key in model.model_fields:
            assert f"| `{key}` |" in page
    anchors = re.findall(r"\{#(\w+)\}", page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#(\w+)\)", page)) <= set(anchors)


def test_a_key_stands_with_what_it_takes_its_default_and_its_words() -> None:
    page = settings_page("Title", "What for.", TrackerConfig)
    (row,) = [line for line in page.splitlines() if line.startswith("| `most_covered` |")]
    assert row == (
        "| `most_covered` | number, ≥ 0 and ≤ 1 | `1.0` | The same for boxes of which nearer ones (their "
        "lower edge is lower) cover more than this share. |"
    )
    assert "from worse views" in field_words(TrackerConfig.model_fields["memory"].annotation)["least_quality"]  # type: ignore[arg-type]


def test_every_option_is_in_the_reference_of_the_commands() -> None:
    page = command_page("Commands", "All.", {"track": track_app, "reid": reid_app})
    for name, command in COMMANDS.items():
        assert f"## `{name}`" in page
        for parameter in command.params:
            assert parameter.opts[0] in page or parameter.param_type_name == "argument"


def test_every_page_of_the_site_is_in_its_menu() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    menu = yaml.safe_load(text)["nav"]
    listed = {
        entry for item in menu for entry in (next(iter(item.values())) if isinstance(item, dict) else [item])
    }
    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= listed
