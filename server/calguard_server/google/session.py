"""Calls of the Calendar API with one grant: the access token is got, put on, and renewed once where it is refused."""

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.google.answers import Answer, Outcome, TransportFailure, Verdict
from calguard_server.google.calendar import ApiRequest
from calguard_server.google.classify import classify
from calguard_server.google.pacer import Pacer
from calguard_server.google.tokens import AccessToken, AccessTokens
from calguard_server.google.transport import Transport

RESULTS = frozenset({Outcome.DONE, Outcome.PARTIAL, Outcome.ID_TAKEN, Outcome.SPLIT})


class GrantSession:
    """One use of a link's grant."""

    def __init__(
        self, transport: Transport, tokens: AccessTokens, pacer: Pacer, clock: Clock, link_id: str, grant: Grant
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._pacer = pacer
        self._clock = clock
        self._link_id = link_id
        self._grant = grant
        self._token: AccessToken | None = tokens.held(link_id, grant)
        self._verified = False

    @property
    def told_scopes(self) -> tuple[str, ...] | None:
        """The scopes as Google told them with the token in use; None where it told none."""
        return None if self._token is None else self._token.scopes

    async def open(self) -> None:
        """Make sure that there is an access token. Raises ProviderFailureError."""
        if self._token is None:
            await self._renew()

    async def verify(self) -> None:
        """Make sure that Google accepts the grant now, by a refresh where no call has shown it.

        Raises ProviderFailureError.
        """
        if not self._verified:
            await self._renew()

    async def send(self, request: ApiRequest) -> tuple[Verdict, Answer]:
        """Make a call; the verdict is DONE, PARTIAL, ID_TAKEN or SPLIT.

        Raises ProviderFailureError.
        """
        came_back, verdict = await self._attempt(request)
        if verdict.outcome is Outcome.RENEW_TOKEN:
            await self._renew()
            came_back, verdict = await self._attempt(request)
        if verdict.outcome is Outcome.FAULT:
            raise ProviderFailureError(verdict.findings[0])
        if verdict.outcome not in RESULTS or not isinstance(came_back, Answer):
            # Not even a token that the token endpoint has just issued is accepted: that is not the person's doing.
            raise ProviderFailureError(Finding(CauseReason.PROVIDER_UNAVAILABLE))
        self._verified = True
        return verdict, came_back

    async def _renew(self) -> AccessToken:
        self._token = await self._tokens.renew(self._link_id, self._grant, rejected=self._token)
        self._verified = True
        return self._token

    async def _attempt(self, request: ApiRequest) -> tuple[Answer | TransportFailure, Verdict]:
        token = self._token or await self._renew()
        await self._pacer.admit(self._link_id)
        headers = {**request.headers, "authorization": f"Bearer {token.text.reveal()}"}
        came_back = await self._transport.send(
            request.built.method, request.address, headers=headers, body=request.content_sent
        )
        return came_back, classify(request.call, came_back, self._clock.now())
