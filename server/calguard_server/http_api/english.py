"""The English texts of the callback page."""

from calguard_server.domain.causes import Capability
from calguard_server.http_api.outcome import Labels, Outcome, Text, Words

_AGAIN = "Go back to the booking service and connect the calendar again."

ENGLISH = Words(
    texts={
        Outcome.CONNECTED: Text(
            "Your calendar is connected",
            "Google gave the permission, and the calendar can be read.",
            "Nothing more. You can close this page.",
        ),
        Outcome.CHOOSE_CALENDARS: Text(
            "Connected, but the calendars need to be chosen",
            "Google gave the permission.",
            "You do that in the booking service.",
        ),
        Outcome.BOX_NOT_TICKED: Text(
            "A permission is missing",
            "Not every checkbox was ticked on Google's page, so the calendar cannot be used.",
            "Go back to the booking service, connect the calendar again, and tick EVERY checkbox on Google's page.",
        ),
        Outcome.ADD_BOX_NOT_TICKED: Text(
            "Connected, but a permission is missing",
            "Not every checkbox was ticked on Google's page. The calendar is checked for appointments, but none can be "
            "added to it.",
            "Go back to the booking service, connect the calendar again, and tick EVERY checkbox on Google's page.",
        ),
        Outcome.RECONNECT: Text(
            "The calendar cannot be used yet",
            "Google gave the permission, but then refused it.",
            "When you reconnect, tick every checkbox on Google's page.",
        ),
        Outcome.WAIT: Text(
            "Connected, but not checked yet",
            "Google gave the permission, but the calendar could not be checked right now.",
            "Nothing for now: it is checked again by itself. You can close this page.",
        ),
        Outcome.CONTACT_SUPPORT: Text(
            "The calendar cannot be used yet",
            "Google gave the permission.",
            "If that does not help, contact support.",
        ),
        Outcome.DECLINED: Text(
            "The calendar was not connected",
            "The permission was not given on Google's page. Nothing was changed.",
            "If that was not what you meant, go back to the booking service, connect the calendar again, "
            "and approve it on Google's page.",
        ),
        Outcome.ADMIN_BLOCKED: Text(
            "Your organization does not allow this app",
            "A Google Workspace administrator does not let this app use calendars. Nothing was changed.",
            "Ask your administrator to allow the app, then connect the calendar again.",
        ),
        Outcome.CONSENT_FAILED: Text(
            "The calendar was not connected",
            "Google's page sent back an error instead of a permission. Nothing was changed.",
            _AGAIN,
        ),
        Outcome.USED: Text(
            "This page was used before",
            "What Google sent back is good only once, and it was used already.",
            "If the booking service shows the calendar as connected, there is nothing to do. "
            "Otherwise connect it again.",
        ),
        Outcome.EXPIRED: Text(
            "That took too long",
            "An attempt to connect a calendar is good for 30 minutes, and this one has expired. Nothing was changed.",
            _AGAIN,
        ),
        Outcome.SUPERSEDED: Text(
            "This attempt is out of date",
            "The calendar was disconnected after this attempt was begun, so it was not connected again.",
            "If you want to connect it after all, go back to the booking service and connect the calendar again.",
        ),
        Outcome.UNKNOWN: Text(
            "This address is not known here",
            "It does not belong to an attempt to connect a calendar that was begun here. Nothing was changed.",
            _AGAIN,
        ),
        Outcome.INCOMPLETE: Text(
            "This address is not complete",
            "It lacks what Google sends along, has it twice, or is too long. Nothing was changed.",
            _AGAIN,
        ),
        Outcome.NOT_ACCEPTED: Text(
            "The calendar was not connected",
            "Google's answer could not be used: it gave no lasting permission, or did not prove whose account it is. "
            "Nothing was changed.",
            _AGAIN,
        ),
        Outcome.GRANT_VOID: Text(
            "The calendar was not connected",
            "The permission was withdrawn at Google before the calendar could be checked. Nothing was changed.",
            _AGAIN,
        ),
        Outcome.OTHER_ACCOUNT: Text(
            "This is another Google account",
            "The calendar was connected with another Google account before. Nothing was changed.",
            "Go back to the booking service, connect the calendar again, and choose the same Google account as before.",
        ),
        Outcome.LINKED_ALREADY: Text(
            "This Google account is connected already",
            "Another calendar connection of yours uses this Google account. Nothing was changed.",
            "Go back to the booking service and reconnect that one, if it needs to be.",
        ),
        Outcome.GONE: Text(
            "What was to be connected is gone",
            "The account or the calendar connection was deleted meanwhile.",
            "Go back to the booking service and begin anew, if you still want to connect a calendar.",
        ),
        Outcome.OPERATOR_SIDE: Text(
            "The calendar was not connected",
            "This service is not set up correctly at Google. You did nothing wrong; its operator has been alerted.",
            "Try again later.",
        ),
        Outcome.UNREACHABLE: Text(
            "Google could not be reached",
            "The permission could not be taken up right now. Nothing was changed.",
            f"Wait a few minutes. {_AGAIN}",
        ),
        Outcome.UNAVAILABLE: Text(
            "This service is not available right now",
            "The calendar could not be connected.",
            f"Wait a few minutes. {_AGAIN}",
        ),
        Outcome.FAILED: Text(
            "The calendar was not connected", "Something went wrong in this service. You did nothing wrong.", _AGAIN
        ),
    },
    labels=Labels(
        next="What to do next",
        account="Google account:",
        calendar="Calendar:",
        unticked="Not ticked:",
        again="Connect the calendar again",
        choose="Choose the calendars",
        withdrawn="The permission that you have just given was withdrawn at Google again.",
        not_withdrawn="The permission that you have just given is not used, but Google did not confirm that it is "
        "withdrawn. You can remove it there:",
        support="If you need help:",
        error_id="Tell support this number:",
    ),
    boxes={
        Capability.LIST: "See the list of Google calendars you're subscribed to",
        Capability.CHECK: "View your availability in your calendars",
        Capability.ADD: "View and edit events on all your calendars",
    },
)
