from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves anything in the user's cache, or finds something there."""
    monkeypatch.setenv("VHP_CACHE", str(tmp_path_factory.mktemp("cache")))
