"""What the page says at which a person ends messages."""

from dataclasses import dataclass
from enum import StrEnum

from calguard_server.http_api.language import Language


class Step(StrEnum):
    """How far it came."""

    ASK = "ASK"
    DONE = "DONE"
    UNKNOWN = "UNKNOWN"
    UNAVAILABLE = "UNAVAILABLE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class StepText:
    """A title, and a sentence or two."""

    title: str
    told: str


@dataclass(frozen=True, slots=True)
class UnsubscribeWords:
    """All that a language says."""

    texts: dict[Step, StepText]
    button: str
    support: str
    error_id: str


_ENGLISH = UnsubscribeWords(
    texts={
        Step.ASK: StepText(
            "Stop messages about your calendar?",
            "You would no longer be told when your calendar cannot be read while no booking page stops. "
            "If a booking page stops because of it, you are told as before.",
        ),
        Step.DONE: StepText(
            "These messages are stopped",
            "You are no longer told when your calendar cannot be read while no booking page stops. "
            "If a booking page stops because of it, you are told as before. You can close this page.",
        ),
        Step.UNKNOWN: StepText(
            "This address is not known here",
            "Nothing was changed. Please open the address in the message again, and check that it is complete.",
        ),
        Step.UNAVAILABLE: StepText(
            "This service is not available right now", "Nothing was changed. Please try again in a few minutes."
        ),
        Step.FAILED: StepText(
            "That did not work", "Something went wrong in this service. Please try again in a few minutes."
        ),
    },
    button="Stop these messages",
    support="If you need help:",
    error_id="Tell support this number:",
)

_JAPANESE = UnsubscribeWords(
    texts={
        Step.ASK: StepText(
            "カレンダーの不具合のお知らせを停止しますか？",
            "停止すると、予約ページが停止しない場合には、カレンダーを読み取れなくてもお知らせしません。"
            "予約ページが停止した場合は、これまでどおりお知らせします。",
        ),
        Step.DONE: StepText(
            "お知らせを停止しました",
            "今後は、予約ページが停止しない場合には、カレンダーを読み取れなくてもお知らせしません。"
            "予約ページが停止した場合は、これまでどおりお知らせします。このページを閉じてください。",
        ),
        Step.UNKNOWN: StepText(
            "このアドレスは確認できません",
            "変更はありません。メールに記載されたアドレスを、途中で切れていないか確認して、もう一度開いてください。",
        ),
        Step.UNAVAILABLE: StepText(
            "現在このサービスを利用できません", "変更はありません。数分待ってから、もう一度お試しください。"
        ),
        Step.FAILED: StepText(
            "停止できませんでした", "サービスで問題が発生しました。数分待ってから、もう一度お試しください。"
        ),
    },
    button="お知らせを停止する",
    support="お困りの場合は、こちらへどうぞ。",
    error_id="サポートにこの番号をお伝えください。",
)

UNSUBSCRIBE_WORDS = {Language.ENGLISH: _ENGLISH, Language.JAPANESE: _JAPANESE}
