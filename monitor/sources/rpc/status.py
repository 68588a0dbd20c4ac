"""What operators and metrics are told about an endpoint."""

from monitor.clock import Clock
from monitor.errors import ConfigError, WrongChain
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.heads import STUCK_BLOCK_TIMES, Heads
from monitor.sources.rpc.spec import EndpointState, EndpointStatus


def status_of(endpoint: Endpoint, heads: Heads[Endpoint], clock: Clock) -> EndpointStatus:
    """Return the endpoint as it stands now."""
    seen, meter = heads.sighting(endpoint), endpoint.meter
    head_age_ms = clock.monotonic_ms() - seen.advanced_ms if seen else None
    return EndpointStatus(
        label=endpoint.label,
        state=_state(endpoint, heads, head_age_ms),
        reason=str(endpoint.refusal or endpoint.last_failure),
        head=seen.head if seen else None,
        lag_blocks=heads.lag_blocks(endpoint),
        head_age_ms=head_age_ms,
        calls=meter.calls,
        requests=meter.requests,
        errors=meter.errors,
        rate_limited=meter.rate_limited,
        disagreements=meter.disagreements,
        flags=meter.flags,
        renewals=endpoint.transport.renewals,
        latency_p50_ms=meter.percentile_ms(50),
        latency_p95_ms=meter.percentile_ms(95),
        ways=endpoint.abilities.ways,
        pin=endpoint.abilities.pin,
        max_batch=endpoint.abilities.max_batch,
        chunk_items=max(endpoint.chunks.sizes.values(), default=0),
        wait_ms=endpoint.wait_ms,
        log_blocks=endpoint.log_limits.blocks,
        log_addresses=endpoint.log_limits.addresses,
    )


def _state(endpoint: Endpoint, heads: Heads[Endpoint], head_age_ms: int | None) -> EndpointState:
    if isinstance(endpoint.refusal, WrongChain):
        return EndpointState.WRONG_CHAIN
    if isinstance(endpoint.refusal, ConfigError) or endpoint.refusal is not None:
        return EndpointState.REFUSED
    if endpoint.is_quarantined:
        return EndpointState.QUARANTINED
    if endpoint.wait_ms:
        return EndpointState.COOLING
    state = heads.state(endpoint)
    is_still = (head_age_ms or 0) > STUCK_BLOCK_TIMES * endpoint.chain.block_time_ms
    return EndpointState.STUCK if state is EndpointState.OK and is_still else state
