"""Looks for secrets in everything that tests see emitted; a test during which one is found fails.

What is looked at: what each test prints (so the log of servers in its own process), what servers of other processes
print and have on their command line, `/metrics`, refusals of calls, what the `calguard` command says, and what is sent
to people. Secrets are known by their form, and the tests plant each of the kinds that there are: keys, tokens of
Google's, Slack's and callers', the OAuth client's secret, webhooks' secrets, the mail server's password, a URL's key.
"""

import re
from collections.abc import Iterator

import pytest

MAIL_PASSWORD = "planted-mail-password"
URL_SECRET = "planted-secret-of-a-url"

KINDS = {
    "a key of TOKEN_KEYS": re.compile(r"(?<![\w/+-])[A-Za-z0-9_-]{43}=(?![\w=])"),
    "what a key has sealed": re.compile(r"(?<![\w+/-])gAAAAA[\w-]{20,}"),
    "the OAuth client's secret": re.compile(r"GOCSPX-[\w-]+"),
    "an access token": re.compile(r"ya29\.[\w-]{3,}"),
    "a refresh token": re.compile(r"1//0[\w-]{10,}"),
    "an authorization code": re.compile(r"4/0[\w-]{10,}"),
    "an ID token": re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}"),
    "a Slack token": re.compile(r"xox[abp]-[\w-]{3,}"),
    "a caller's token": re.compile(r"calguard_[\w-]{43}|token-of-an?-(?:admin|writer|reader|stranger)"),
    "a webhook's secret": re.compile(r"whsec_[\w+/-]{16,}"),
    "the mail server's password": re.compile(MAIL_PASSWORD),
    "a secret in a URL": re.compile(URL_SECRET),
}

_found: list[str] = []


def leaks_in(text: str) -> Iterator[str]:
    """Tell which kinds of secrets a text holds, and around what, without the secrets."""
    for kind, form in KINDS.items():
        for match in form.finditer(text):
            before = text[max(0, match.start() - 60) : match.start()]
            yield f"{kind} after {before!r}"


def emitted(where: str, text: str) -> None:
    """Look at something that was emitted; what is found makes the test fail that runs."""
    _found.extend(f"{where}: {leak}" for leak in leaks_in(text))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Fail what has emitted a secret, at the end of its set-up, its call, or its end."""
    report = yield
    for title, text in report.sections:
        emitted(title, text)
    leaks, _found[:] = sorted(set(_found)), []
    if leaks:
        report.outcome = "failed"
        report.longrepr = "secrets were emitted:\n" + "\n".join(leaks)
        report.sections.clear()
    return report
