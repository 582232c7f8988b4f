"""Where an account's webhooks go, and when the secret that signs them may stay.

1. There is a secret wherever there is a URL.
2. Whoever changes the URL gives the secret: what is signed with a secret goes only where somebody who has it says.
3. The secret itself is kept apart. `secret_version` counts those that were set, and goes on counting when the URL is
   taken away: so an etag tells one secret from the next.
"""

from msgspec import Struct

from calguard_server.domain.errors import FieldViolation, InvalidArgumentError
from calguard_server.domain.secret import Secret


class Webhook(Struct, frozen=True):
    """Where webhooks go; an empty URL: nowhere."""

    url: str = ""
    secret_version: int = 0


class WebhookWish(Struct, frozen=True):
    """What a caller wants of it; a secret of None: the one that there is."""

    url: str = ""
    secret: Secret | None = None


def webhook_after(before: Webhook, wish: WebhookWish) -> Webhook:
    """Answer what becomes of a webhook. Raises InvalidArgumentError where a secret is missing."""
    if not wish.url:
        return Webhook(secret_version=before.secret_version)
    if wish.secret is not None:
        return Webhook(wish.url, before.secret_version + 1)
    if wish.url != before.url:
        expected = "expected the signing secret: it goes with a URL that is new, or changed"
        raise InvalidArgumentError.of_fields(FieldViolation("account.webhook.secret", expected))
    return before
