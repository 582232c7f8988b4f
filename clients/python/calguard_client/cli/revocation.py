"""How it is told what became of a grant at Google when its link, or its account, ended."""

from calguard.v1 import account_pb2, calendar_link_pb2
from calguard_client.cli.cells import clean

Ended = (
    calendar_link_pb2.DisconnectCalendarLinkResponse
    | calendar_link_pb2.DeleteCalendarLinkResponse
    | account_pb2.DeleteAccountResponse
)


def revocation_told(ended: Ended) -> str:
    """Say whether the grant is gone at Google, and what the person should do where it is not."""
    access = clean(ended.third_party_access_url)
    match ended.revocation:
        case calendar_link_pb2.GRANT_REVOCATION_CONFIRMED:
            return f"the grant is revoked at Google: see {access}"
        case calendar_link_pb2.GRANT_REVOCATION_KEPT:
            return "the grant stays at Google: another account's calendar link rests on the same Google account's"
        case _:
            return f"the grant is NOT known to be revoked at Google: the person should remove the access at {access}"
