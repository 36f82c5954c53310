"""One Chromium per worker. Without one the tests are skipped with a reason; where ETALON_BROWSER=required they fail."""

import os
from collections.abc import Iterator

import pytest

from tests.browser.chromium import Browser, find_chromium


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser, for all tests of a worker."""
    program = find_chromium()
    if program is None:
        reason = "no Chromium on this machine: install the distribution's package `chromium`"
        if os.environ.get("ETALON_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    started = Browser(program, tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser as a reader at a desk has it: light, 1280 pixels wide, nothing noted yet."""
    chromium.resize(1280, 900)
    chromium.show()
    chromium.clear()
    return chromium
