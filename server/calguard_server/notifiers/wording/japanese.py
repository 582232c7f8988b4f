"""The Japanese texts."""

from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.notifiers.message import AlertTopic
from calguard_server.notifiers.wording.catalogue import KindWording, Labels, ReasonWording, Sentences, Wording

_RESTARTS = "Googleカレンダーを再び読み取れるようになると、予約の受付は自動的に再開し、あらためてお知らせします。"
_OPERATOR = "お客様に行っていただく操作はありません。サービスの運営者が対応します。"
_WAIT = (
    "自然に解消することがあります。カレンダーは数分ごとに再確認されます。続く場合は、カレンダーを再連携してください。",
    (
        "自然に解消することがあります。カレンダーは数分ごとに再確認されます。"
        "続く場合は、{name}さんにカレンダーの再連携を依頼してください。"
    ),
)
_RECONNECT = ("カレンダーを再連携してください。", "{name}さんにカレンダーの再連携を依頼してください。")

JAPANESE = Wording(
    labels=Labels(
        colon="：",
        gap="",
        over="解消しました",
        greeting="{name} 様",
        greeting_nobody="ご担当者様",
        stopped_pages="停止中（新しい予約を受け付けていません）",
        accepting_pages="予約受付中",
        other_pages="停止していないページ",
        appointments="確認していただきたい予定",
        appointment="「{title}」{time}、担当：{name}",
        in_the_way="{line}、重なっている予定：{times}",
        comma="、",
        reassign="{line}　担当の変更：{url}",
        faults="不具合の内容と対処方法",
        still_faulty="まだ残っている問題と対処方法",
        more="ほか{count}件",
        page="「{title}」{mode}",
        page_since="「{title}」{mode}、{since}から停止中",
        own_account="あなたのGoogleカレンダー：{name}（{email}）",
        other_account="{name}さんのGoogleカレンダー（{email}）",
        email_unknown="Googleアカウントのアドレスは不明",
        google_account="Googleアカウント",
        calendar="カレンダー",
        whole_account="このGoogleアカウントで連携しているすべてのカレンダー",
        problem="不具合の内容",
        remedy="対処方法",
        missing="不足している権限：{capability}",
        reconnect="Googleカレンダーを再連携する",
        check_link="カレンダー連携を確認する",
        checkboxes_own="Googleの画面では、すべてのチェックボックスにチェックを入れてください。",
        checkboxes_other="{name}さんは下のアドレスで操作できます。"
        "Googleの画面では、すべてのチェックボックスにチェックを入れるようお伝えください。",
        support="サポート（チャット）に問い合わせる",
        unsubscribe="このお知らせを停止する",
        reason="理由",
        count="件数",
        since="発生時刻",
        detail="詳細",
        date="{year}年{month}月{day}日 {time} {zone}",
    ),
    sentences=Sentences(
        untouched="すでに入っている予約への影響はありません。",
        no_page_stopped="停止した予約ページはありません。",
        support="解決しない場合やご不明な点は、こちらへどうぞ。",
        questions="ご不明な点は、こちらへどうぞ。",
        why_both="予約ページの所有者であり、ページに必要なカレンダーの持ち主でもあるため、お知らせしています。",
        why_owner="予約ページの所有者であるため、お知らせしています。",
        why_at_fault="予約ページに必要なカレンダーの持ち主であるため、お知らせしています。",
        why_link="予約ページが停止しない場合でも、カレンダーの不具合をお知らせする設定になっているため、お知らせしています。",
        why_told="停止をお知らせした方に、お知らせしています。",
    ),
    kinds={
        NoticeKind.PAGE_STOPPED: KindWording(
            "予約ページが停止しました",
            "Googleカレンダーを読み取れず、空き時間が分からないため、次の予約ページは新しい予約の受付を停止しています。",
            "Googleカレンダーを読み取れず、空き時間が分からないため、次の予約ページは新しい予約の受付を停止しています。",
            _RESTARTS,
        ),
        NoticeKind.MEMBER_FAULTY: KindWording(
            "別のカレンダーにも不具合があります",
            "次の予約ページに必要なGoogleカレンダーが、新たにもう1つ読み取れなくなりました。",
            "次の予約ページに必要なGoogleカレンダーが、新たにもう1つ読み取れなくなりました。",
            _RESTARTS,
        ),
        NoticeKind.ASSIGNED_TO_FAULTY: KindWording(
            "予定をご確認ください",
            "Googleカレンダーを読み取れないメンバーに予定が割り当てられました。"
            "そのメンバーのほかの予定と重なっている可能性があります。",
            "Googleカレンダーを読み取れないメンバーに予定が割り当てられました。"
            "そのメンバーのほかの予定と重なっている可能性があります。",
            "担当のメンバーと日時をご確認ください。変更しない限り、予定はそのまま有効です。",
        ),
        NoticeKind.APPOINTMENT_CONFLICT: KindWording(
            "ほかの予定と重なっています",
            "Googleカレンダーを再び読み取れるようになりました。"
            "読み取れない間に割り当てられた予定が、担当のメンバーのほかの予定と重なっています。",
            "Googleカレンダーを再び読み取れるようになりました。"
            "読み取れない間に割り当てられた予定が、担当のメンバーのほかの予定と重なっています。",
            "担当のメンバーと調整してください。変更しない限り、予定はそのまま有効です。",
        ),
        NoticeKind.PAGE_RESTARTED: KindWording(
            "予約の受付を再開しました",
            "停止の原因がなくなったため、次の予約ページは新しい予約の受付を再開しています。",
            "停止の原因がなくなったため、次の予約ページは新しい予約の受付を再開しています。",
        ),
        NoticeKind.REMINDER: KindWording(
            "予約ページは停止したままです",
            "再度のお知らせです。Googleカレンダーを読み取れないため、次の予約ページは新しい予約の受付を停止したままです。",
            "再度のお知らせです。Googleカレンダーを読み取れないため、次の予約ページは新しい予約の受付を停止したままです。",
            _RESTARTS,
        ),
        NoticeKind.OPERATOR_ALERT: KindWording("運営者への警告", "", ""),
        NoticeKind.LINK_FAILED: KindWording(
            "カレンダーを読み取れません",
            "あなたのGoogleカレンダーを読み取れないため、空き時間が分かりません。",
            "あなたの複数のGoogleカレンダーを読み取れないため、空き時間が分かりません。",
            "再び読み取れるようになったら、お知らせします。",
        ),
        NoticeKind.LINK_RECOVERED: KindWording(
            "カレンダーを再び読み取れるようになりました",
            "あなたのGoogleカレンダーを再び読み取れるようになりました。必要な操作はありません。",
            "あなたのGoogleカレンダーを再び読み取れるようになりました。必要な操作はありません。",
        ),
    },
    own_appointments={
        NoticeKind.ASSIGNED_TO_FAULTY: KindWording(
            "予定をご確認ください",
            "あなたのGoogleカレンダーを読み取れない状態で、あなたに予定が割り当てられました。"
            "あなたのほかの予定と重なっている可能性があります。",
            "あなたのGoogleカレンダーを読み取れない状態で、あなたに予定が割り当てられました。"
            "あなたのほかの予定と重なっている可能性があります。",
            "その日時のご都合をご確認ください。変更しない限り、予定はそのまま有効です。",
        ),
        NoticeKind.APPOINTMENT_CONFLICT: KindWording(
            "ほかの予定と重なっています",
            "あなたのGoogleカレンダーを再び読み取れるようになりました。"
            "読み取れない間にあなたに割り当てられた予定が、あなたのほかの予定と重なっています。",
            "あなたのGoogleカレンダーを再び読み取れるようになりました。"
            "読み取れない間にあなたに割り当てられた予定が、あなたのほかの予定と重なっています。",
            "どちらを優先するかご調整ください。変更しない限り、予定はそのまま有効です。",
        ),
    },
    alerts={
        AlertTopic.PROVIDER_SIDE: "Googleがこのサービスを拒否しています。対応できるのは運営者だけです。"
        "該当するユーザーには通知していません。",
        AlertTopic.INCIDENT_OPENED: "互いに関係のない多くのカレンダーで同じ障害が起きています。"
        "Google側、または本サービス側の問題と考えられます。該当するリンクの判定は保留され、これを理由に予約ページの停止やユーザーへの通知は行われません。"
        "解消したらお知らせします。",
        AlertTopic.INCIDENT_OVER: "多くのカレンダーで起きていた障害は解消しました。リンクは通常どおり判定されます。",
        AlertTopic.SLACK_BROKEN: "Slackワークスペースのボットトークンが拒否されたか、必要な権限がありません。"
        "このワークスペースへのSlack通知は最長1日保留されます。メール通知は通常どおり送られます。有効なトークンを設定すると復旧します。",
        AlertTopic.DELIVERY_DEAD: "送信できなかった通知があります。自動では再送されません。",
    },
    reasons={
        CauseReason.AUTHORIZATION_REVOKED: ReasonWording(
            "このカレンダーへのアクセス許可を、Googleが受け付けなくなりました。"
            "取り消されたのか期限が切れたのかは、Googleからは示されていません。",
            "カレンダーを再連携してください。繰り返し発生する場合は、連携を解除し、Googleアカウントの設定で"
            "このアプリのアクセス権を削除してから、もう一度連携してください。",
            "{name}さんにカレンダーの再連携を依頼してください。繰り返し発生する場合は、連携を解除し、Googleアカウントの設定で"
            "このアプリのアクセス権を削除してから、もう一度連携する必要があります。",
        ),
        CauseReason.SESSION_POLICY: ReasonWording(
            "Google Workspaceの組織のログイン規則により、再ログインが求められています。",
            "カレンダーを再連携してください。頻繁に発生する場合は、このアプリを信頼するようGoogle Workspaceの管理者に"
            "依頼してください。",
            "{name}さんにカレンダーの再連携を依頼してください。頻繁に発生する場合は、"
            "Google Workspaceの管理者がこのアプリを信頼するよう設定できます。",
        ),
        CauseReason.ACCOUNT_UNAVAILABLE: ReasonWording(
            "このGoogleアカウントは利用できなくなったと、Googleが回答しています。",
            "Googleアカウントを復元するか、別のアカウントを連携してください。",
            "{name}さんに、Googleアカウントを復元するか、別のアカウントを連携するよう依頼してください。",
        ),
        CauseReason.AUTHORIZATION_INCOMPLETE: ReasonWording(
            "このカレンダーについて、使用できるGoogleのアクセス許可が保存されていません。", *_RECONNECT
        ),
        CauseReason.ADMIN_BLOCKED: ReasonWording(
            "Google Workspaceの管理者が、このアプリを許可していません。",
            "このアプリを許可するようGoogle Workspaceの管理者に依頼してから、カレンダーを再連携してください。",
            "Google Workspaceの管理者にこのアプリを許可してもらい、カレンダーを再連携するよう、"
            "{name}さんに依頼してください。",
        ),
        CauseReason.SCOPE_MISSING: ReasonWording("必要な権限が、Googleの画面で許可されていません。", *_RECONNECT),
        CauseReason.CALENDAR_NOT_VISIBLE: ReasonWording(
            "連携しているGoogleアカウントから、このカレンダーが見えなくなりました。",
            "このカレンダーを連携中のGoogleアカウントと再び共有してもらうか、予定を確認する別のカレンダーを選んでください。",
            "このカレンダーを連携中のGoogleアカウントと再び共有してもらうか、予定を確認する別のカレンダーを選ぶよう、"
            "{name}さんに依頼してください。",
        ),
        CauseReason.ADD_CALENDAR_NOT_VISIBLE: ReasonWording(
            "予定を追加するカレンダーが、連携しているGoogleアカウントから見えなくなりました。",
            "予定を追加する別のカレンダーを選んでください。",
            "予定を追加する別のカレンダーを選ぶよう、{name}さんに依頼してください。",
        ),
        CauseReason.CALENDAR_READ_ONLY: ReasonWording(
            "連携しているGoogleアカウントには、予定を追加するカレンダーへの書き込み権限がありません。",
            "カレンダーの所有者に「予定の変更」の権限を付与してもらうか、別のカレンダーを選んでください。",
            "カレンダーの所有者に「予定の変更」の権限を付与してもらうか、別のカレンダーを選ぶよう、"
            "{name}さんに依頼してください。",
        ),
        CauseReason.ACCESS_FORBIDDEN: ReasonWording(
            "Googleがこのカレンダーへのアクセスを拒否しています。理由は示されていません。",
            "カレンダーが連携中のGoogleアカウントと共有されているか確認し、共有されている場合は再連携してください。",
            "カレンダーが連携中のGoogleアカウントと共有されているか確認し、共有されている場合は再連携するよう、"
            "{name}さんに依頼してください。",
        ),
        CauseReason.SELECTION_MISSING: ReasonWording(
            "予定を確認するカレンダーも、予定を追加するカレンダーも選ばれていません。",
            "予定を確認するカレンダーと、予定を追加するカレンダーを選んでください。",
            "予定を確認するカレンダーと、予定を追加するカレンダーを選ぶよう、{name}さんに依頼してください。",
        ),
        CauseReason.CALENDAR_SERVICE_OFF: ReasonWording(
            "このGoogleアカウントでは、Googleカレンダーが無効になっています。",
            "このアカウントでGoogleカレンダーを有効にするか、Google Workspaceの管理者に依頼してください。",
            "このアカウントでGoogleカレンダーを有効にするか、Google Workspaceの管理者に有効にしてもらうよう、"
            "{name}さんに依頼してください。",
        ),
        CauseReason.RATE_LIMITED: ReasonWording("Googleから、しばらくリクエストを減らすよう求められています。", *_WAIT),
        CauseReason.QUOTA_EXHAUSTED: ReasonWording(
            "このサービスが、Googleに認められた利用枠を使い切っています。", _OPERATOR, _OPERATOR
        ),
        CauseReason.PROVIDER_UNAVAILABLE: ReasonWording("Googleカレンダー側のエラーが、しばらく続いています。", *_WAIT),
        CauseReason.NETWORK_ERROR: ReasonWording("Googleカレンダーに、しばらく接続できていません。", *_WAIT),
        CauseReason.APP_MISCONFIGURED: ReasonWording(
            "このサービスのGoogle側の設定が正しくありません。", _OPERATOR, _OPERATOR
        ),
    },
    capabilities={
        Capability.LIST: "カレンダーの一覧の表示",
        Capability.CHECK: "カレンダーの予定の有無の確認",
        Capability.ADD: "カレンダーへの予定の追加",
    },
    modes={
        SchedulingMode.ALL_MEMBERS: "メンバー全員が参加",
        SchedulingMode.ANY_MEMBER: "メンバーの誰か1人が参加",
        SchedulingMode.AUTO_ASSIGN: "予定を自動で割り当て",
    },
)
