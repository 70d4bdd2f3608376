"""A plugin of pytest's for `make browser` and `make scale`: where a test is skipped the whole fails, as nothing else looks at what it holds."""

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End with a failure where a test, or a file of tests, was skipped; `-ra` has said which and why."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
