"""Headers that hold ids and addresses, which no program would know again if they were encoded."""

from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.policy import Policy


class WordsHeader(UnstructuredHeader, BaseHeader):
    """ASCII words, each on a line of its own. Python would encode one that is longer than a line as if it were text."""

    def fold(self, *, policy: Policy) -> str:
        """Write the header as it goes over the wire."""
        return f"{self.name}: {f'{policy.linesep} '.join(str(self).split())}{policy.linesep}"


def header_factory() -> HeaderRegistry:
    """Answer what makes headers of an e-mail."""
    registry = HeaderRegistry()
    for name in ("references", "in-reply-to", "list-unsubscribe"):
        registry.map_to_type(name, WordsHeader)
    return registry
