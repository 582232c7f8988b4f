"""The one judge of what comes back from Google.

1. Pure: an answer or a transport failure goes in, a verdict comes out, and nothing raises, whatever the bytes are.
2. An answer that is not clearly understood is something that may pass by itself, never something that fails a link.
3. Calls of the Calendar API and of the token endpoint differ in their errors: see `classify_api`, `classify_token`.
   What a success must look like is in `classify_success`: a 200 is believed only when it has the type expected.
4. The sources are the API's "Handle API errors" guide, the OAuth 2.0 guide for web servers, and RFC 6749.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.retry_after import parse_retry_after
from calguard_server.google.answers import Answer, Call, Endpoint, Outcome, TransportFailure, Verdict
from calguard_server.google.bodies import parse_json
from calguard_server.google.classify_api import classify_api_refusal
from calguard_server.google.classify_success import classify_success
from calguard_server.google.classify_token import classify_token_refusal

TRANSPORT_REASONS: dict[TransportFailure, CauseReason] = {
    TransportFailure.TIMED_OUT: CauseReason.NETWORK_ERROR,
    TransportFailure.NAME_NOT_RESOLVED: CauseReason.NETWORK_ERROR,
    TransportFailure.TLS_FAILED: CauseReason.NETWORK_ERROR,
    TransportFailure.NOT_CONNECTED: CauseReason.NETWORK_ERROR,
    TransportFailure.CUT_SHORT: CauseReason.NETWORK_ERROR,
    TransportFailure.NOT_HTTP: CauseReason.NETWORK_ERROR,
    TransportFailure.TOO_LARGE: CauseReason.PROVIDER_UNAVAILABLE,
}

WAITING_REASONS = frozenset({CauseReason.RATE_LIMITED, CauseReason.QUOTA_EXHAUSTED, CauseReason.PROVIDER_UNAVAILABLE})
"""The reasons with which Retry-After means something."""


def classify(call: Call, came_back: Answer | TransportFailure, now: datetime) -> Verdict:
    """Judge what came back from a call. `now` is for a Retry-After that names a date."""
    if isinstance(came_back, TransportFailure):
        return Verdict(Outcome.FAULT, (Finding(TRANSPORT_REASONS[came_back]),))
    content = parse_json(came_back.body)
    if 200 <= came_back.status < 300:
        return classify_success(call, came_back, content)
    asked = parse_retry_after(came_back.header("retry-after"), now)
    return _with_retry_after(_classify_refusal(call, came_back, content), asked)


def _classify_refusal(call: Call, answer: Answer, content: object) -> Verdict:
    if answer.status >= 500 or call.endpoint is Endpoint.CERTIFICATES:
        return Verdict(Outcome.FAULT, (Finding(CauseReason.PROVIDER_UNAVAILABLE),))
    if answer.status == 429:
        return Verdict(Outcome.FAULT, (Finding(CauseReason.RATE_LIMITED),))
    if call.endpoint in (Endpoint.EXCHANGE, Endpoint.REFRESH, Endpoint.REVOKE):
        return classify_token_refusal(call, answer, content)
    return classify_api_refusal(call, answer, content)


def _with_retry_after(verdict: Verdict, asked: timedelta | None) -> Verdict:
    if asked is None:
        return verdict
    return replace(
        verdict,
        findings=tuple(
            replace(finding, retry_after=asked) if finding.reason in WAITING_REASONS else finding
            for finding in verdict.findings
        ),
    )
