"""The Japanese texts of the callback page."""

from calguard_server.domain.causes import Capability
from calguard_server.http_api.outcome import Labels, Outcome, Text, Words

_AGAIN = "予約サービスに戻り、もう一度カレンダーを連携してください。"
_EVERY_BOX = "予約サービスに戻ってもう一度連携し、Googleの画面ですべてのチェックボックスにチェックを入れてください。"

JAPANESE = Words(
    texts={
        Outcome.CONNECTED: Text(
            "カレンダーを連携しました",
            "Googleで許可が得られ、カレンダーを読み取れることを確認しました。",
            "操作は以上です。このページを閉じてください。",
        ),
        Outcome.CHOOSE_CALENDARS: Text(
            "連携しましたが、カレンダーの設定が必要です",
            "Googleで許可が得られました。",
            "この操作は予約サービスで行えます。",
        ),
        Outcome.BOX_NOT_TICKED: Text(
            "許可が不足しています",
            "Googleの画面でチェックされていない項目があったため、カレンダーを利用できません。",
            _EVERY_BOX,
        ),
        Outcome.ADD_BOX_NOT_TICKED: Text(
            "連携しましたが、許可が不足しています",
            "Googleの画面でチェックされていない項目がありました。予定の確認はできますが、予定の追加はできません。",
            _EVERY_BOX,
        ),
        Outcome.RECONNECT: Text(
            "カレンダーをまだ利用できません",
            "Googleで許可が得られましたが、その許可は受け入れられませんでした。",
            "再連携の際は、Googleの画面ですべてのチェックボックスにチェックを入れてください。",
        ),
        Outcome.WAIT: Text(
            "連携しましたが、確認はまだです",
            "Googleで許可が得られましたが、現在カレンダーを確認できません。",
            "自動的に再確認しますので、いまは操作は必要ありません。このページを閉じてください。",
        ),
        Outcome.CONTACT_SUPPORT: Text(
            "カレンダーをまだ利用できません",
            "Googleで許可が得られました。",
            "解決しない場合は、サポートにお問い合わせください。",
        ),
        Outcome.DECLINED: Text(
            "カレンダーは連携されませんでした",
            "Googleの画面で許可されませんでした。変更はありません。",
            "連携したい場合は、予約サービスに戻ってもう一度連携し、Googleの画面で許可してください。",
        ),
        Outcome.ADMIN_BLOCKED: Text(
            "組織でこのアプリが許可されていません",
            "Google Workspaceの管理者が、このアプリによるカレンダーの利用を許可していません。変更はありません。",
            "管理者にアプリの許可を依頼してから、もう一度連携してください。",
        ),
        Outcome.CONSENT_FAILED: Text(
            "カレンダーは連携されませんでした",
            "Googleの画面から、許可ではなくエラーが返されました。変更はありません。",
            _AGAIN,
        ),
        Outcome.USED: Text(
            "このページは使用済みです",
            "Googleから送られた情報は一度しか使えず、すでに使われています。",
            "予約サービスで連携済みと表示されていれば、操作は必要ありません。そうでなければ、もう一度連携してください。",
        ),
        Outcome.EXPIRED: Text(
            "時間切れです",
            "カレンダーを連携する操作の期限は30分で、この操作は期限が切れています。変更はありません。",
            _AGAIN,
        ),
        Outcome.SUPERSEDED: Text(
            "この操作は無効になりました",
            "この操作を始めたあとに連携が解除されたため、カレンダーは連携されませんでした。",
            "改めて連携したい場合は、予約サービスに戻り、もう一度カレンダーを連携してください。",
        ),
        Outcome.UNKNOWN: Text(
            "このアドレスは確認できません",
            "ここで始められたカレンダー連携のものではありません。変更はありません。",
            _AGAIN,
        ),
        Outcome.INCOMPLETE: Text(
            "このアドレスは正しくありません",
            "Googleから送られるはずの情報が欠けているか、重複しているか、長すぎます。変更はありません。",
            _AGAIN,
        ),
        Outcome.NOT_ACCEPTED: Text(
            "カレンダーは連携されませんでした",
            "Googleの応答を利用できませんでした。継続的な許可が得られなかったか、"
            "どのアカウントのものかを確認できませんでした。変更はありません。",
            _AGAIN,
        ),
        Outcome.GRANT_VOID: Text(
            "カレンダーは連携されませんでした",
            "カレンダーを確認する前に、Googleで許可が取り消されました。変更はありません。",
            _AGAIN,
        ),
        Outcome.OTHER_ACCOUNT: Text(
            "別のGoogleアカウントです",
            "このカレンダーは、以前は別のGoogleアカウントで連携されていました。変更はありません。",
            "予約サービスに戻ってもう一度連携し、以前と同じGoogleアカウントを選んでください。",
        ),
        Outcome.LINKED_ALREADY: Text(
            "このGoogleアカウントは連携済みです",
            "このGoogleアカウントは、別のカレンダー連携で使われています。変更はありません。",
            "必要であれば、予約サービスに戻り、そちらの連携を再連携してください。",
        ),
        Outcome.GONE: Text(
            "連携の対象がなくなりました",
            "アカウントまたはカレンダー連携は、この間に削除されました。",
            "引き続き連携したい場合は、予約サービスに戻り、はじめからやり直してください。",
        ),
        Outcome.OPERATOR_SIDE: Text(
            "カレンダーは連携されませんでした",
            "Googleにおけるこのサービスの設定に問題があります。お客様の操作に問題はありません。運営者に通知しました。",
            "しばらくしてから、もう一度お試しください。",
        ),
        Outcome.UNREACHABLE: Text(
            "Googleに接続できませんでした",
            "現在、許可の手続きを完了できません。変更はありません。",
            f"数分待ってから、{_AGAIN}",
        ),
        Outcome.UNAVAILABLE: Text(
            "現在このサービスを利用できません",
            "カレンダーを連携できませんでした。",
            f"数分待ってから、{_AGAIN}",
        ),
        Outcome.FAILED: Text(
            "カレンダーは連携されませんでした",
            "このサービスで問題が発生しました。お客様の操作に問題はありません。",
            _AGAIN,
        ),
    },
    labels=Labels(
        next="次にすること",
        account="Googleアカウント：",
        calendar="カレンダー：",
        unticked="チェックされていない項目：",
        again="もう一度カレンダーを連携する",
        choose="カレンダーを設定する",
        withdrawn="いま与えられた許可は、Googleで取り消しました。",
        not_withdrawn="いま与えられた許可は使用されませんが、Googleで取り消されたことを確認できませんでした。"
        "こちらで削除できます：",
        support="お困りのときは：",
        error_id="サポートに次の番号をお伝えください：",
    ),
    boxes={
        Capability.LIST: "登録しているカレンダーの一覧の参照",
        Capability.CHECK: "カレンダーの空き状況の参照",
        Capability.ADD: "すべてのカレンダーの予定の表示と編集",
    },
)
