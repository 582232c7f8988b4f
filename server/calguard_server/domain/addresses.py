"""Addresses that people are given."""

from urllib.parse import quote

THIRD_PARTY_ACCESS_URL = "https://myaccount.google.com/connections"
"""Google's page where a person sees, and ends, what was granted to whom."""


def relink_url(template: str, *, account_id: str, calendar_link_id: str) -> str:
    """Answer where a person links a calendar again: a template's `{account_id}` and `{calendar_link_id}` are filled in.

    Ids are quoted, whatever they hold. Empty where the template needs an id that is not known.
    """
    filled = template
    for name, value in (("{account_id}", account_id), ("{calendar_link_id}", calendar_link_id)):
        if name in template and not value:
            return ""
        filled = filled.replace(name, quote(value, safe=""))
    return filled


def appointment_url(template: str, appointment_id: str) -> str:
    """Answer where a person changes an appointment: a template's `{appointment_id}` is filled in, quoted."""
    return template.replace("{appointment_id}", quote(appointment_id, safe=""))
