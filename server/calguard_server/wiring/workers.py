"""What runs by itself beside the calls."""

from collections.abc import Mapping

from calguard_server.auth.unsubscribe_tokens import UnsubscribeTokens
from calguard_server.channels import Parts, hooks_of
from calguard_server.domain.delivery import RetryPolicy
from calguard_server.domain.notices import Channel
from calguard_server.entrance import Worker
from calguard_server.http_api.unsubscribe import PATH as UNSUBSCRIBE_PATH
from calguard_server.notifiers.hook import NotifierHook
from calguard_server.telemetry.checks import CheckMetrics
from calguard_server.telemetry.loop_lag import LoopLag
from calguard_server.telemetry.notices import NoticeMetrics
from calguard_server.wiring.basis import Basis
from calguard_server.wiring.options import schedule_policy
from calguard_server.wiring.use_cases import Engine
from calguard_server.workers.account_loop import AccountLoopOptions
from calguard_server.workers.check_loop import CheckLoop, CheckLoopOptions
from calguard_server.workers.check_pace import CheckPace, PaceOptions
from calguard_server.workers.clock_review import ClockReview
from calguard_server.workers.composer import Composer, ComposerOptions
from calguard_server.workers.delivery_loop import DeliveryLoop, DeliveryLoopOptions
from calguard_server.workers.entry_loop import EntryLoop, ReviewLoop
from calguard_server.workers.follow_up_loop import FollowUpLoop, FollowUpOptions
from calguard_server.workers.incident_review import IncidentReview
from calguard_server.workers.retention import Retention, RetentionOptions
from calguard_server.workers.slack_review import SlackReview

Workers = dict[str, Worker]


def build_workers(
    basis: Basis, engine: Engine, notices: NoticeMetrics, unsubscribe_tokens: UnsubscribeTokens
) -> Workers:
    """Build all workers, by names; what hooks open is closed by `closers` of the basis."""
    settings, clock, store = basis.settings, basis.world.clock, basis.store
    workspaces, incidents = engine.served.slack_workspaces, engine.served.incidents
    parts = Parts(settings, clock, basis.session, store, workspaces, basis.closers)
    kept = RetentionOptions(settings.watch_retention, notice_retention=settings.notice_retention)
    workers = {
        "incidents": IncidentReview(incidents, clock, settings.incident_window).run,
        **_notice_loops(basis, engine, hooks_of(parts), notices, _composer(basis, unsubscribe_tokens)),
        **_appointment_loops(basis, engine),
        "retention": Retention(store, clock, kept).run,
        "watches": engine.feed.run,
        "loop lag": LoopLag(clock, basis.registry).run,
        "clock": ClockReview(clock).run,
        "slack": SlackReview(workspaces, clock).run,
        **parts.workers,
    }
    return _check_loops(basis, engine) | workers


def _composer(basis: Basis, unsubscribe_tokens: UnsubscribeTokens) -> Composer:
    settings = basis.settings
    base = settings.public_url
    return Composer(
        basis.store,
        ComposerOptions(
            settings.relink_url,
            settings.support_url,
            settings.operator_email,
            settings.operator_slack_channel,
            lambda account_id: f"{base}{UNSUBSCRIBE_PATH}{unsubscribe_tokens.make(account_id)}" if base else "",
            settings.appointment_url,
        ),
    )


def _notice_loops(
    basis: Basis, engine: Engine, hooks: Mapping[Channel, NotifierHook], notices: NoticeMetrics, composer: Composer
) -> Workers:
    store, world = basis.store, basis.world
    deliveries = DeliveryLoop(
        store,
        composer,
        hooks,
        engine.alerts,
        world.clock,
        world.chance,
        RetryPolicy(),
        DeliveryLoopOptions(),
        notices.attempted,
        basis.tracer,
    )
    store.listen_for_deliveries(deliveries.nudge)
    follow_ups = FollowUpLoop(store, engine.follow_ups, world.clock, deliveries.nudge, FollowUpOptions())
    return {"deliveries": deliveries.run, "follow-ups": follow_ups.run}


def _appointment_loops(basis: Basis, engine: Engine) -> Workers:
    store, clock = basis.store, basis.world.clock
    entries = EntryLoop(store, engine.entries, clock, AccountLoopOptions())
    reviews = ReviewLoop(store, engine.conflict_reviews, clock, AccountLoopOptions())
    for loop in (entries, reviews):
        store.listen_for_entries(loop.nudge)
    return {"appointment entries": entries.run, "appointment reviews": reviews.run}


def _check_loops(basis: Basis, engine: Engine) -> Workers:
    settings, store = basis.settings, basis.store
    metrics, policy = CheckMetrics(basis.registry), schedule_policy(settings)
    intervals = {False: policy.check_interval, True: min(policy.retry_interval_max, policy.check_interval)}
    return {
        "checks of failing links" if failing else "checks": CheckLoop(
            store,
            engine.served.checks,
            basis.world.clock,
            CheckPace(store, PaceOptions(interval), failing=failing),
            CheckLoopOptions(failing, settings.check_concurrency // 2),
            metrics.checked,
            basis.tracer,
        ).run
        for failing, interval in intervals.items()
    }
