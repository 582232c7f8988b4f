"""What a person does in a browser, done over HTTP: open the consent page, tick, and press a button."""

from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Literal

from aiohttp import ClientError, ClientSession
from yarl import URL

from calguard_sandbox.errors import BadFieldError

OK, FOUND = 200, 302


async def answer_consent(
    google_url: str,
    authorization_url: str,
    email: str,
    scopes: Iterable[str] | Literal["all"],
    *,
    deny: bool,
) -> str:
    """Answer the page behind the URL; where the browser is sent.

    Raises BadFieldError for a URL that is not this Google's, and for what the page refuses.
    """
    if not authorization_url.startswith(f"{google_url}/o/oauth2/v2/auth?"):
        raise BadFieldError("authorization_url", f"must begin with {google_url}/o/oauth2/v2/auth?")
    try:
        return await _answer(URL(authorization_url, encoded=True), email, scopes, deny=deny)
    except ClientError as error:
        raise BadFieldError("authorization_url", f"Google did not answer: {type(error).__name__}") from error


async def _answer(url: URL, email: str, scopes: Iterable[str] | Literal["all"], *, deny: bool) -> str:
    async with ClientSession() as browser:
        async with browser.get(url, allow_redirects=False) as answer:
            page = _read(await answer.text())
            if answer.status != OK:
                raise BadFieldError("authorization_url", " ".join(page.words))
        if email.lower() not in page.emails:
            raise BadFieldError("email", f"the page offers {', '.join(page.emails)}")
        form = [("email", email), ("decision", "deny" if deny else "approve")]
        form += [("scope", scope) for scope in _ticked(scopes, page.boxes)]
        async with browser.post(url, data=form, allow_redirects=False) as answer:
            if answer.status != FOUND:
                raise BadFieldError("authorization_url", " ".join(_read(await answer.text()).words))
            return answer.headers["Location"]


def _ticked(scopes: Iterable[str] | Literal["all"], boxes: list[str]) -> list[str]:
    if scopes == "all":
        return boxes
    wanted = list(scopes)
    absent = [scope for scope in wanted if scope not in boxes]
    if absent:
        raise BadFieldError("scopes", f"the page has no checkbox for {', '.join(absent)}")
    return wanted


class _Page(HTMLParser):
    """Collects a page's checkboxes, its accounts and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: list[str] = []
        self.emails: list[str] = []
        self.words: list[str] = []
        self._styled = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a checkbox or an account."""
        given = dict(attrs)
        self._styled = tag == "style"
        if tag == "input" and given.get("type") == "checkbox":
            self.boxes.append(given.get("value") or "")
        if tag == "option":
            self.emails.append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        """Leave the style sheet."""
        self._styled = self._styled and tag != "style"

    def handle_data(self, data: str) -> None:
        """Note what can be read."""
        if not self._styled and data.strip():
            self.words.append(data.strip())


def _read(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page
