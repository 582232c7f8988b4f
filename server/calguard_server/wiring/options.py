"""The options of the parts, from the settings."""

from calguard_server.channels import served_channels
from calguard_server.domain.link_verdict import LinkPolicy
from calguard_server.domain.provider_incident import IncidentPolicy
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from calguard_server.engine.context import Policies
from calguard_server.google.options import GoogleOptions
from calguard_server.google.pacer import Quotas
from calguard_server.grpc_api.limits import Limits
from calguard_server.grpc_api.overload import OverloadOptions
from calguard_server.settings.server import Settings
from calguard_server.watch.feed import FeedOptions


def google_options(settings: Settings) -> GoogleOptions:
    """Say who we are to Google, and where it is."""
    return GoogleOptions(
        client_id=settings.google_client_id,
        client_secret=Secret(settings.google_client_secret.get_secret_value()),
        redirect_uri=settings.google_redirect_uri,
        auth_uri=settings.google_auth_uri,
        token_uri=settings.google_token_uri,
        revoke_uri=settings.google_revoke_uri,
        certs_uri=settings.google_certs_uri,
        api_endpoint=settings.google_api_endpoint,
        quotas=Quotas(settings.google_quota, settings.google_user_quota),
        total_timeout=settings.google_timeout,
    )


def schedule_policy(settings: Settings) -> SchedulePolicy:
    """Say when links are checked."""
    return SchedulePolicy(settings.check_interval, settings.retry_interval)


def policies(settings: Settings) -> Policies:
    """Say which numbers decisions rest on; the log has the channels that are not set up."""
    return Policies(
        link=LinkPolicy(settings.failure_threshold, settings.failure_after),
        schedule=schedule_policy(settings),
        incident=IncidentPolicy(
            settings.incident_window, settings.incident_accounts, settings.incident_share, settings.incident_hold
        ),
        notice_group_wait=settings.notice_group_wait,
        reminders=settings.reminders,
        served=served_channels(settings),
        assignment_window=settings.assignment_window,
    )


def feed_options(settings: Settings) -> FeedOptions:
    """Say how many watches there may be, and how long they last."""
    return FeedOptions(
        streams_max=settings.watch_streams,
        streams_per_caller=settings.watch_streams_per_caller,
        progress_interval=settings.progress_interval,
        lifetime=settings.watch_lifetime,
    )


def call_limits(settings: Settings) -> Limits:
    """Say how many calls are taken, and how long one may last."""
    return Limits(
        settings.caller_rate,
        settings.caller_burst,
        settings.calls_max,
        settings.call_timeout,
        connection_streams=settings.watch_streams_per_caller + settings.calls_max,  # one caller may have but one
        overload=OverloadOptions(settings.overload_wait.total_seconds()),
    )
