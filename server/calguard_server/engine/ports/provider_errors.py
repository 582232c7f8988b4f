"""How the calendar provider refuses."""

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.engine.ports.grants import Grant


class ProviderFailureError(Exception):
    """The provider did not do what was asked; `finding` names why, as far as the answer showed."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding

    @property
    def reason(self) -> CauseReason:
        """The reason of the finding."""
        return self.finding.reason


class EventIdTakenError(ProviderFailureError):
    """An event has that id which is not ours, or was deleted: the id can never be used again, another one can."""

    def __init__(self) -> None:
        super().__init__(Finding(CauseReason.PROVIDER_UNAVAILABLE))


class CodeRefusedError(Exception):
    """The provider did not accept an authorization code: it is spent, expired, or not for this attempt."""


class IdentityUnverifiedError(Exception):
    """The provider's identity token is missing, or does not verify.

    `subject` is whose the token says it is, where the provider signed that; `grant` what was given all the same.
    """

    def __init__(self, fault: str, *, subject: str = "", grant: Grant | None = None) -> None:
        super().__init__(fault)
        self.subject = subject
        self.grant = grant
