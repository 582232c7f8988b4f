"""The English texts."""

from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.notifiers.message import AlertTopic
from calguard_server.notifiers.wording.catalogue import KindWording, Labels, ReasonWording, Sentences, Wording

_RESTARTS = "Once Google Calendar can be read again, booking starts again by itself, and you will get a message."
_OPERATOR = "There is nothing for you to do: the operator of this service mends it."
_WAIT = (
    "It may pass by itself: the calendar is checked again every few minutes. If it lasts, reconnect the calendar.",
    (
        "It may pass by itself: the calendar is checked again every few minutes. "
        "If it lasts, ask {name} to reconnect the calendar."
    ),
)
_RECONNECT = ("Reconnect the calendar.", "Ask {name} to reconnect the calendar.")

ENGLISH = Wording(
    labels=Labels(
        colon=": ",
        gap=" ",
        over="Over",
        greeting="Hello {name},",
        greeting_nobody="Hello,",
        stopped_pages="Stopped: no new bookings",
        accepting_pages="Accepting bookings",
        other_pages="Not stopped",
        appointments="Appointments to check",
        appointment="{title}, {time}, assigned to {name}",
        in_the_way="{line}; something else is planned: {times}",
        comma=", ",
        reassign="{line} — to give it to somebody else: {url}",
        faults="What is wrong, and what to do",
        still_faulty="What is still wrong, and what to do",
        more="and {count} more",
        page="{title} – {mode}",
        page_since="{title} – {mode}; stopped since {since}",
        own_account="Your Google Calendar: {name} ({email})",
        other_account="Google Calendar of {name} ({email})",
        email_unknown="Google address not known",
        google_account="Google account",
        calendar="Calendar",
        whole_account="every calendar linked through this Google account",
        problem="What is wrong",
        remedy="What to do",
        missing="What is missing: {capability}.",
        reconnect="Reconnect Google Calendar",
        check_link="Check the calendar link",
        checkboxes_own="Please tick every checkbox on Google's page.",
        checkboxes_other="{name} can do that at the address below, and should tick every checkbox on Google's page.",
        support="Contact support (chat)",
        unsubscribe="Stop these messages",
        reason="Reason",
        count="How many",
        since="Since",
        detail="Detail",
        date="{year}-{month:02}-{day:02} {time} {zone}",
    ),
    sentences=Sentences(
        untouched="Bookings that were made already are untouched.",
        no_page_stopped="No booking page was stopped.",
        support="If nothing helps, or if you have questions:",
        questions="If you have questions:",
        why_both="You get this message because the booking page is yours, and so is a calendar that it needs.",
        why_owner="You get this message because the booking page is yours.",
        why_at_fault="You get this message because a booking page needs your calendar.",
        why_link="You get this message because you asked to be told whenever your calendar fails, also when no booking "
        "page stops.",
        why_told="You get this message because you were told of the stop.",
    ),
    kinds={
        NoticeKind.PAGE_STOPPED: KindWording(
            "Booking page stopped",
            "This booking page takes no new bookings for now: it cannot tell which times are free, because "
            "Google Calendar cannot be read.",
            "These booking pages take no new bookings for now: they cannot tell which times are free, because "
            "Google Calendar cannot be read.",
            _RESTARTS,
        ),
        NoticeKind.MEMBER_FAULTY: KindWording(
            "Another calendar fails",
            "One more Google Calendar that this booking page needs cannot be read.",
            "One more Google Calendar that these booking pages need cannot be read.",
            _RESTARTS,
        ),
        NoticeKind.ASSIGNED_TO_FAULTY: KindWording(
            "Please check an appointment",
            "An appointment was assigned to a member whose Google Calendar cannot be read. "
            "It may clash with something else that the member has planned.",
            "Appointments were assigned to members whose Google Calendar cannot be read. "
            "They may clash with something else that those members have planned.",
            "Please check the time with the member. The appointment stays as it is unless somebody changes it.",
        ),
        NoticeKind.APPOINTMENT_CONFLICT: KindWording(
            "Two things at the same time",
            "Google Calendar can be read again, and something else is planned at the time of an appointment that was "
            "assigned while it could not be read.",
            "Google Calendar can be read again, and something else is planned at the times of appointments that were "
            "assigned while it could not be read.",
            "Please settle it with the member. The appointment stays as it is unless somebody changes it.",
        ),
        NoticeKind.PAGE_RESTARTED: KindWording(
            "Accepting bookings again",
            "This booking page accepts new bookings again: what stopped it is over.",
            "These booking pages accept new bookings again: what stopped them is over.",
        ),
        NoticeKind.REMINDER: KindWording(
            "Still stopped",
            "A reminder: this booking page still takes no new bookings, because Google Calendar cannot be read.",
            "A reminder: these booking pages still take no new bookings, because Google Calendar cannot be read.",
            _RESTARTS,
        ),
        NoticeKind.OPERATOR_ALERT: KindWording("Operator alert", "", ""),
        NoticeKind.LINK_FAILED: KindWording(
            "Your calendar cannot be read",
            "Your Google Calendar cannot be read: it is not known when you are free.",
            "Several of your Google Calendars cannot be read: it is not known when you are free.",
            "You will get a message once it can be read again.",
        ),
        NoticeKind.LINK_RECOVERED: KindWording(
            "Your calendar can be read again",
            "Your Google Calendar can be read again; there is nothing to do.",
            "Your Google Calendars can be read again; there is nothing to do.",
        ),
    },
    own_appointments={
        NoticeKind.ASSIGNED_TO_FAULTY: KindWording(
            "Please check an appointment",
            "An appointment was assigned to you, and your Google Calendar cannot be read. "
            "It may clash with something else that you have planned.",
            "Appointments were assigned to you, and your Google Calendar cannot be read. "
            "They may clash with something else that you have planned.",
            "Please check whether you have time then. The appointment stays as it is unless somebody changes it.",
        ),
        NoticeKind.APPOINTMENT_CONFLICT: KindWording(
            "Two things at the same time",
            "Your Google Calendar can be read again, and you have something else planned at the time of an appointment "
            "that was assigned to you while it could not be read.",
            "Your Google Calendar can be read again, and you have something else planned at the times of appointments "
            "that were assigned to you while it could not be read.",
            "Please decide which of them you keep. The appointment stays as it is unless somebody changes it.",
        ),
    },
    alerts={
        AlertTopic.PROVIDER_SIDE: "Google refuses this service, and only its operator can mend that. "
        "The users concerned are not told.",
        AlertTopic.INCIDENT_OPENED: "Many unrelated calendars fail alike: this looks like trouble at Google, or ours. "
        "Their links are held: no booking page is stopped and no user is told because of it. "
        "You are told when it is over.",
        AlertTopic.INCIDENT_OVER: "The trouble with many unrelated calendars is over. Links are judged as usual again.",
        AlertTopic.SLACK_BROKEN: "Slack refuses the bot token of a workspace, or the token lacks a permission. "
        "What is to be told there by Slack waits for a day at most; e-mail goes its own way. "
        "See: calguard slack list, calguard slack get WORKSPACE.",
        AlertTopic.DELIVERY_DEAD: "A notice could not be sent, and is not tried again by itself. "
        "See: calguard notifications list --state dead. Each can be retried or discarded. "
        "You are told once a day.",
    },
    reasons={
        CauseReason.AUTHORIZATION_REVOKED: ReasonWording(
            "Google no longer accepts the permission that was given for this calendar. "
            "Google does not say whether it was withdrawn or has expired.",
            "Reconnect the calendar. If it happens again, disconnect the calendar, remove this app's access in the "
            "settings of the Google account, then connect.",
            "Ask {name} to reconnect the calendar. If it happens again, {name} should disconnect the calendar, remove "
            "this app's access in the settings of the Google account, then connect.",
        ),
        CauseReason.SESSION_POLICY: ReasonWording(
            "The sign-in rules of the Google Workspace organization ask for a new sign-in.",
            "Reconnect the calendar. If it happens often, ask your Google Workspace administrator to trust this app.",
            "Ask {name} to reconnect the calendar. If it happens often, the Google Workspace administrator can trust "
            "this app.",
        ),
        CauseReason.ACCOUNT_UNAVAILABLE: ReasonWording(
            "Google says that this Google account is not available any more.",
            "Restore the Google account, or connect another one.",
            "Ask {name} to restore the Google account, or to connect another one.",
        ),
        CauseReason.AUTHORIZATION_INCOMPLETE: ReasonWording(
            "No permission from Google that can be used is stored for this calendar.", *_RECONNECT
        ),
        CauseReason.ADMIN_BLOCKED: ReasonWording(
            "A Google Workspace administrator does not allow this app.",
            "Ask your Google Workspace administrator to allow this app, then reconnect the calendar.",
            "Ask {name} to have the Google Workspace administrator allow this app, then to reconnect the calendar.",
        ),
        CauseReason.SCOPE_MISSING: ReasonWording(
            "A permission that is needed was not given on Google's page.", *_RECONNECT
        ),
        CauseReason.CALENDAR_NOT_VISIBLE: ReasonWording(
            "Google does not show this calendar to the linked Google account any more.",
            "Have the calendar shared with the linked Google account again, or choose another calendar to check.",
            "Ask {name} to have the calendar shared with the linked Google account again, or to choose another "
            "calendar to check.",
        ),
        CauseReason.ADD_CALENDAR_NOT_VISIBLE: ReasonWording(
            "Google does not show the calendar to add appointments to, to the linked Google account, any more.",
            "Choose another calendar to add appointments to.",
            "Ask {name} to choose another calendar to add appointments to.",
        ),
        CauseReason.CALENDAR_READ_ONLY: ReasonWording(
            "The linked Google account may not write to the calendar to add appointments to.",
            'Have the calendar\'s owner grant "Make changes to events", or choose another calendar.',
            'Ask {name} to have the calendar\'s owner grant "Make changes to events", or to choose another calendar.',
        ),
        CauseReason.ACCESS_FORBIDDEN: ReasonWording(
            "Google forbids access to this calendar, and does not say why.",
            "Check that the calendar is shared with the linked Google account. If it is, reconnect the calendar.",
            "Ask {name} to check that the calendar is shared with the linked Google account and, if it is, to "
            "reconnect the calendar.",
        ),
        CauseReason.SELECTION_MISSING: ReasonWording(
            "No calendar is chosen, neither to check for appointments nor to add them to.",
            "Choose the calendars to check, and the calendar to add appointments to.",
            "Ask {name} to choose the calendars to check, and the calendar to add appointments to.",
        ),
        CauseReason.CALENDAR_SERVICE_OFF: ReasonWording(
            "Google Calendar is switched off for this Google account.",
            "Turn Google Calendar on for the account, or ask your Google Workspace administrator to.",
            "Ask {name} to turn Google Calendar on for the account, or to have the Google Workspace administrator "
            "do it.",
        ),
        CauseReason.RATE_LIMITED: ReasonWording("Google asks for fewer requests for a while.", *_WAIT),
        CauseReason.QUOTA_EXHAUSTED: ReasonWording(
            "This service has used up what Google allows it.", _OPERATOR, _OPERATOR
        ),
        CauseReason.PROVIDER_UNAVAILABLE: ReasonWording(
            "Google Calendar has answered with errors of its own for a while.", *_WAIT
        ),
        CauseReason.NETWORK_ERROR: ReasonWording("Google Calendar could not be reached for a while.", *_WAIT),
        CauseReason.APP_MISCONFIGURED: ReasonWording(
            "This service is not set up correctly at Google.", _OPERATOR, _OPERATOR
        ),
    },
    capabilities={
        Capability.LIST: "to see the list of calendars",
        Capability.CHECK: "to see when the calendars are busy",
        Capability.ADD: "to add appointments to a calendar",
    },
    modes={
        SchedulingMode.ALL_MEMBERS: "all members take part",
        SchedulingMode.ANY_MEMBER: "any one member takes part",
        SchedulingMode.AUTO_ASSIGN: "appointments are assigned automatically",
    },
)
