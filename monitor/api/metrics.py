"""Every metric by name, and how facts of the running parts become what Prometheus reads."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from monitor.store import DeploymentView, OutboxStatus


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric read from facts at scrape time; a counter's name ends in `_total`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One value, with a label value for each label of its metric."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


HEAD_BLOCK = Metric("hfm_head_block", "Newest block seen.", ("chain",))
HEAD_AGE = Metric("hfm_head_age_seconds", "Age of the newest block seen.", ("chain",))
RPC_REQUESTS = Metric("hfm_rpc_requests_total", "Requests to an endpoint.", ("chain", "endpoint", "outcome"))
ENDPOINTS_USABLE = Metric("hfm_rpc_endpoints_usable", "Endpoints that are not excluded.", ("chain",))
CYCLE_SECONDS = Metric("hfm_cycle_seconds", "Duration of the latest cycle, head to commit.", ("deployment",))
CYCLES = Metric("hfm_cycles_total", "Cycles by outcome.", ("deployment", "outcome"))
JOB_FAILURES = Metric("hfm_job_failures_total", "Jobs that raised.", ("job",))
UNSAVED = Metric("hfm_unsaved_steps", "Steps kept in memory because the store refuses them.")
LEDGER_ACCOUNTS = Metric("hfm_ledger_accounts", "Accounts in the ledgers.", ("deployment",))
AUDIT_MATCH = Metric("hfm_audit_match_ratio", "Share of audited accounts that were right.", ("deployment", "market"))
AUDIT_APART = Metric("hfm_audit_totals_apart", "Totals that ledger and market disagree on.", ("deployment", "market"))
VENUE_AGE = Metric("hfm_venue_news_age_seconds", "Age of an API's last answer that was news.", ("venue",))
VENUE_STALE = Metric("hfm_venue_stale", "Whether an API may count as telling what is true now.", ("venue",))
PROJECTION_DRIFTS = Metric("hfm_projection_drifts", "Accounts that were not as projected.", ("deployment",))
POSITIONS = Metric("hfm_positions", "Positions by what is known of their health.", ("deployment", "status"))
LEVELS = Metric("hfm_positions_at_level", "Judged positions by level.", ("deployment", "level"))
READ_AGE = Metric("hfm_deployment_read_age_seconds", "Time since the last whole read.", ("deployment",))
MOMENT_AGE = Metric("hfm_deployment_moment_age_seconds", "Age of the moment last evaluated.", ("deployment",))
OUTBOX = Metric("hfm_outbox_messages", "Messages by state.", ("channel", "state"))
DELIVERIES = Metric("hfm_deliveries_total", "Tries to deliver a message by outcome.", ("channel", "outcome"))
MARKUP_REFUSALS = Metric("hfm_markup_refusals_total", "Messages sent again as plain text.", ("channel",))
OUTBOX_AGE = Metric("hfm_outbox_oldest_pending_seconds", "Age of the oldest message owed.", ("channel",))
HEARTBEATS = Metric("hfm_heartbeats_total", "Signs of life by whether they arrived.", ("outcome",))


class Metrics:
    """A registry of our own: what the API counts itself, and at each scrape the facts of the other parts."""

    def __init__(self, facts: Callable[[], Iterable[Fact]] = tuple) -> None:
        self._facts = facts
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "hfm_api_requests", "Requests by route and status.", ["route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "hfm_api_request_seconds", "Time until the answer was ready.", ["route"], registry=self._registry
        )
        self.failures = Counter("hfm_api_failures", "Requests that ended in a defect.", registry=self._registry)
        ProcessCollector(registry=self._registry)

    def text(self, deployments: Sequence[DeploymentView], outbox: OutboxStatus) -> bytes:
        """Return everything in the text format."""
        facts = [*_of_deployments(deployments), *_of_outbox(outbox), *self._facts()]
        return generate_latest(self._registry) + generate_latest(_Scrape(facts))


class _Scrape(CollectorRegistry):
    """The facts of one scrape."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        super().__init__(auto_describe=False)
        self._facts = facts

    def collect(self) -> Iterable[Family]:
        families: dict[Metric, GaugeMetricFamily | CounterMetricFamily] = {}
        for fact in self._facts:
            metric = fact.metric
            kind = CounterMetricFamily if metric.name.endswith("_total") else GaugeMetricFamily
            family = families.setdefault(metric, kind(metric.name, metric.help, labels=metric.labels))
            family.add_metric(fact.labels, fact.value)
        return families.values()


def _of_deployments(deployments: Sequence[DeploymentView]) -> Iterable[Fact]:
    for d in deployments:
        for status in ("measured", "no_debt", "unmeasurable"):
            yield Fact(POSITIONS, getattr(d, status), (d.name, status))
        for level, count in d.levels.items():
            yield Fact(LEVELS, count, (d.name, level))
        yield Fact(READ_AGE, d.committed_age_s, (d.name,))
        yield Fact(MOMENT_AGE, d.age_s, (d.name,))


def _of_outbox(outbox: OutboxStatus) -> Iterable[Fact]:
    for c in outbox.channels:
        for state in ("pending", "sent", "dead", "superseded"):
            yield Fact(OUTBOX, getattr(c, state), (c.channel, state))
        yield Fact(OUTBOX_AGE, c.oldest_pending_age_s or 0, (c.channel,))
