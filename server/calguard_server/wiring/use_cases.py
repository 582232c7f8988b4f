"""The use cases, built upon the store, Google and Slack."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

import structlog

from calguard_server.channels import operator_channels
from calguard_server.domain.secret import Secret
from calguard_server.engine.accounts import Accounts
from calguard_server.engine.appointments import Appointments
from calguard_server.engine.availability_query import Availability
from calguard_server.engine.busy import MemberTimes
from calguard_server.engine.checks import Checks
from calguard_server.engine.conflict_reviews import ConflictReviews
from calguard_server.engine.context import Context
from calguard_server.engine.diagnosis import Diagnosis
from calguard_server.engine.ending import Ending
from calguard_server.engine.entries import Entries
from calguard_server.engine.failures_met import FailuresMet
from calguard_server.engine.follow_ups import FollowUps
from calguard_server.engine.linking import Linking
from calguard_server.engine.locks import LinkLocks
from calguard_server.engine.notifications import Notifications
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.pages import Pages
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.engine.reports import Reports
from calguard_server.engine.revoking import GrantRevoker
from calguard_server.engine.selection import Selection
from calguard_server.engine.server_status import StatusReading
from calguard_server.engine.silences import Silences
from calguard_server.engine.slack_workspaces import SlackWorkspaces
from calguard_server.google.provider import GoogleCalendarProvider
from calguard_server.grpc_api.page_answers import PageAnswers
from calguard_server.grpc_api.server import UseCases
from calguard_server.grpc_api.state_change import encode_snapshot
from calguard_server.notifiers.slack_verifier import SlackTokenVerifier
from calguard_server.telemetry.reports import ReportMetrics
from calguard_server.telemetry.requests import RequestMetrics
from calguard_server.watch.feed import Feed
from calguard_server.wiring.basis import Basis
from calguard_server.wiring.options import feed_options, google_options, policies

_log = structlog.get_logger()

_ENTRY_LEASE = timedelta(minutes=1)
"""How long nobody else tries what a server that is gone was adding to a calendar, besides what Google may take."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The use cases: those that are `served` to callers, and those that workers alone ask for."""

    served: UseCases
    feed: Feed
    alerts: OperatorAlerts
    follow_ups: FollowUps
    entries: Entries
    conflict_reviews: ConflictReviews


def build_engine(basis: Basis, redirect_uri: Callable[[], str]) -> Engine:
    """Build the use cases; `redirect_uri` tells where Google sends people back to, once that is served."""
    settings, store, world = basis.settings, basis.store, basis.world
    context = Context(store, world.clock, world.new_id, world.chance, policies(settings))
    provider = _build_provider(basis)
    revoker, locks = GrantRevoker(store, provider), LinkLocks()
    alerts = OperatorAlerts(context, operator_channels(settings))
    incidents = ProviderIncidents(context, alerts)
    checks = Checks(context, provider, locks.links, alerts, incidents)
    feed = _build_feed(basis)
    reports = Reports(context, provider, checks, ReportMetrics(basis.registry).reported)
    failures = FailuresMet(reports.spaced_checks, world.clock)
    basis.closers.append(failures.close)
    cached, timeout = settings.availability_cache, settings.availability_timeout
    member_times = MemberTimes(context, provider, failures, cached, timeout)
    appointments = Appointments(context, member_times)
    pages = Pages(context)
    served = UseCases(
        accounts=Accounts(context, revoker, locks),
        availability=Availability(context, member_times, appointments.times_of),
        appointments=appointments,
        pages=pages,
        page_answers=_build_page_answers(basis, pages),
        linking=Linking(context, provider, revoker, locks, alerts, redirect_uri),
        selection=Selection(context, provider, locks.links, checks, alerts),
        checks=checks,
        ending=Ending(context, revoker, locks),
        incidents=incidents,
        diagnosis=Diagnosis(context, provider, checks, alerts, settings.support_url),
        reports=reports,
        status=StatusReading(store, world.clock, version("calguard"), lambda: feed.streams),
        slack_workspaces=_build_slack_workspaces(basis, context, alerts),
        notifications=Notifications(context),
        silences=Silences(context),
        store=store,
        feed=feed,
    )
    lease = _ENTRY_LEASE + 2 * settings.google_timeout
    return Engine(
        served,
        feed,
        alerts,
        FollowUps(context),
        Entries(context, provider, failures, member_times.invalidate, lease),
        ConflictReviews(context, member_times),
    )


def _build_provider(basis: Basis) -> GoogleCalendarProvider:
    if not basis.settings.google_client_id:
        _log.warning("no calendar can be linked: CALGUARD_GOOGLE_CLIENT_ID is not set")
    return GoogleCalendarProvider(
        basis.session, google_options(basis.settings), basis.world.clock, RequestMetrics(basis.registry).answered
    )


def _build_feed(basis: Basis) -> Feed:
    store, world = basis.store, basis.world
    feed = Feed(store, encode_snapshot, world.clock, world.chance, feed_options(basis.settings), store.writer.revision)
    store.listen(feed.publish)
    return feed


def _build_page_answers(basis: Basis, pages: Pages) -> PageAnswers:
    page_answers = PageAnswers(pages.get)
    basis.store.listen(page_answers.told)
    return page_answers


def _build_slack_workspaces(basis: Basis, context: Context, alerts: OperatorAlerts) -> SlackWorkspaces:
    token = basis.settings.slack_bot_token.get_secret_value()
    verifier = SlackTokenVerifier(basis.settings.slack_base_url, basis.session)
    return SlackWorkspaces(context, alerts, verifier, Secret(token) if token else None)
