"""A begun linking, as it is saved."""

from datetime import datetime

from msgspec import Struct

from calguard_server.domain.secret import Secret


class LinkAttempt(Struct, frozen=True, kw_only=True):
    """A begun linking: found by a digest of its `state`, good once and until `expire_time`.

    `calendar_link_id` is empty for a new link. `code_verifier` is PKCE's. `superseded`: the link that it names was
    ended after it began, or its account was deleted. `ended_subjects`: the Google accounts of its account's other
    links that were ended after it began.
    """

    digest: str
    account_id: str
    calendar_link_id: str
    code_verifier: Secret
    redirect_uri: str
    select_primary: bool
    allow_account_change: bool
    create_time: datetime
    expire_time: datetime
    used: bool = False
    superseded: bool = False
    ended_subjects: tuple[str, ...] = ()
