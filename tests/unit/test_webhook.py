"""What becomes of an account's webhook when it is changed."""

import pytest

from calguard_server.domain.errors import InvalidArgumentError
from calguard_server.domain.secret import Secret
from calguard_server.domain.webhook import Webhook, WebhookWish, webhook_after

HERE, THERE = "https://hooks.example/a", "https://hooks.example/b"
NOWHERE, SET = Webhook(), Webhook(HERE, 3)
SECRET = Secret("whsec_canary")


@pytest.mark.parametrize(
    ("before", "wish", "after"),
    [
        (NOWHERE, WebhookWish(), NOWHERE),
        (NOWHERE, WebhookWish(HERE, SECRET), Webhook(HERE, 1)),
        (SET, WebhookWish(HERE), SET),
        (SET, WebhookWish(HERE, SECRET), Webhook(HERE, 4)),
        (SET, WebhookWish(THERE, SECRET), Webhook(THERE, 4)),
        (SET, WebhookWish(), Webhook("", 3)),
        (Webhook("", 3), WebhookWish(HERE, SECRET), Webhook(HERE, 4)),
    ],
)
def test_what_becomes_of_it(before: Webhook, wish: WebhookWish, after: Webhook) -> None:
    """Each secret that is given counts, and goes on counting, so that no etag comes back."""
    assert webhook_after(before, wish) == after


@pytest.mark.parametrize(
    ("before", "url"),
    [(NOWHERE, HERE), (SET, THERE), (SET, HERE + "/"), (SET, HERE + "?x"), (SET, "https://evil.example/a")],
)
def test_a_changed_url_demands_the_secret(before: Webhook, url: str) -> None:
    """Nobody redirects what is signed without knowing a secret, not even to another path of the same host."""
    with pytest.raises(InvalidArgumentError) as refused:
        webhook_after(before, WebhookWish(url))
    [violation] = refused.value.violations
    assert violation.field == "account.webhook.secret"
