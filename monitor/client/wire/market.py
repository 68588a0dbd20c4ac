"""The shape of deployments and markets."""

from collections.abc import Mapping

from monitor.client.wire.answer import Answer


class DeploymentAnswer(Answer):
    """How far and how well a deployment is followed.

    `age_s` is the age of the chain's moment, `committed_age_s` that of our last whole read; `is_current` says whether
    that read is within the deployment's limit, null where none is set.
    """

    name: str
    protocol: str
    chain: str
    at_block: int | None
    at_hash: str | None
    at_time: int
    age_s: int
    committed_age_s: int
    is_current: bool | None
    positions: int
    measured: int
    no_debt: int
    unmeasurable: int
    levels: Mapping[str, int]


class Deployments(Answer):
    """Every deployment that was ever followed."""

    items: tuple[DeploymentAnswer, ...]
