from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

# A shell lets what it starts in the background ignore Ctrl-C, and programs inherit that; those that the tests
# start are to be stopped by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cache_of_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nor does a fixture that serves several tests: these have one cache, for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VHP_CACHE", str(shared / "cache of fixtures"))
        yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves anything in the user's cache, or finds something there."""
    monkeypatch.setenv("VHP_CACHE", str(tmp_path_factory.mktemp("cache")))
