"""The columns of the tables whose rows become objects, in the order in which `rows` reads and writes them."""

ACCOUNTS = [
    "id",
    "display_name",
    "email",
    "locale",
    "slack_workspace_id",
    "slack_user_id",
    "slack_channel_id",
    "revision",
    "create_time",
    "update_time",
    "channels",
    "link_alerts",
    "webhook_url",
    "webhook_secret_version",
]

LINKS = [
    "id",
    "account_id",
    "provider_subject",
    "provider_email",
    "state",
    "cause_reason",
    "cause_since",
    "cause_calendar_id",
    "cause_capability",
    "state_time",
    "has_grant",
    "granted_scopes",
    "check_calendar_ids",
    "add_calendar_id",
    "last_check_time",
    "next_check_time",
    "consecutive_failures",
    "failing_since",
    "quota_exhausted_since",
    "evidence",
    "revision",
    "create_time",
    "update_time",
]

PAGES = [
    "id",
    "owner_account_id",
    "title",
    "scheduling_mode",
    "members",
    "faulty_members",
    "assignment_method",
    "slack_workspace_id",
    "slack_user_id",
    "slack_channel_id",
    "phase",
    "faulty",
    "state_time",
    "revision",
    "create_time",
    "update_time",
]

ATTEMPTS = [
    "digest",
    "account_id",
    "calendar_link_id",
    "code_verifier",
    "redirect_uri",
    "select_primary",
    "allow_account_change",
    "create_time",
    "expire_time",
    "used",
    "superseded",
    "ended_subjects",
]

INCIDENTS = ["id", "page_id", "open_time", "close_time", "reminder_time", "link_id", "silenced_time"]

SILENCES = ["id", "page_id", "account_id", "link_id", "end_time", "reason", "create_time"]

DELIVERIES = [
    "id",
    "incident_id",
    "page_id",
    "kind",
    "stage",
    "recipient_account_id",
    "channel",
    "faults",
    "revision",
    "state",
    "attempts",
    "next_attempt_time",
    "create_time",
    "address",
    "last_error",
    "send_time",
    "message_id",
    "fence",
    "doubtful",
    "attempts_before",
    "retry_time",
]


SLACK_WORKSPACES = [
    "id",
    "name",
    "team_id",
    "team_name",
    "broken_code",
    "broken_since",
    "token_version",
    "revision",
    "create_time",
    "update_time",
]

APPOINTMENTS = [
    "id",
    "page_id",
    "start_time",
    "end_time",
    "time_zone",
    "title",
    "attendees",
    "state",
    "create_time",
    "update_time",
    "cancel_time",
    "conflicts",
    "of_all",
    "revision",
]

ENTRIES = [
    "event_id",
    "appointment_id",
    "account_id",
    "place",
    "faulty",
    "assign_time",
    "standing",
    "page_id",
    "start_time",
    "end_time",
    "state",
    "link_id",
    "calendar_id",
    "cause_reason",
    "cause_since",
    "cause_calendar_id",
    "cause_capability",
    "attempts",
    "next_attempt_time",
    "fence",
    "claimed",
]


def _placeholders() -> dict[str, str]:
    tables = {
        "accounts": ACCOUNTS,
        "links": LINKS,
        "pages": PAGES,
        "attempts": ATTEMPTS,
        "incidents": INCIDENTS,
        "silences": SILENCES,
        "deliveries": DELIVERIES,
        "slack_workspaces": SLACK_WORKSPACES,
        "appointments": APPOINTMENTS,
        "entries": ENTRIES,
    }
    names = {table: ", ".join(columns) for table, columns in tables.items()}
    values = {f"{table}_values": ", ".join("?" * len(columns)) for table, columns in tables.items()}
    return names | values


COLUMNS = _placeholders()
"""What the named queries are filled with: `{links}` the columns, `{links_values}` as many question marks."""
