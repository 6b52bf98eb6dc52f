from __future__ import annotations

import signal

import pytest

# A shell lets what it starts in the background ignore Ctrl-C, and programs inherit that; those that the tests
# start are to be stopped by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves anything in the user's cache, or finds something there."""
    monkeypatch.setenv("VHP_CACHE", str(tmp_path_factory.mktemp("cache")))
