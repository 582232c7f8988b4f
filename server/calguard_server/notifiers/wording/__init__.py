"""Every word that is said to people, by language: the one place to translate, and to add a language to."""

from calguard_server.domain.account import Locale
from calguard_server.notifiers.wording.catalogue import Wording
from calguard_server.notifiers.wording.english import ENGLISH
from calguard_server.notifiers.wording.japanese import JAPANESE

WORDINGS: dict[Locale, Wording] = {Locale.ENGLISH: ENGLISH, Locale.JAPANESE: JAPANESE}
