from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import reid


def imported(module: Path) -> Iterator[str]:
    """The packages that a module takes something from, in its functions, too."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_the_tracker_is_imported_nowhere() -> None:
    modules = sorted(Path(reid.__file__).parent.rglob("*.py"))
    packages = {module: set(imported(module)) for module in modules}
    assert any("torch" in names for names in packages.values())
    assert [module for module, names in packages.items() if "tracker" in names] == []
