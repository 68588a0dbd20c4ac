"""The tables. Integers that may pass 63 bits are decimal text, and sort keys are digits of fixed width."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()
_Int = BigInteger().with_variant(Integer(), "sqlite")
_pending = text("state = 'pending'")


def _table(name: str, *parts: Column[int] | Column[str] | Column[bytes] | Index) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _int(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, _Int, nullable=null)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _serial() -> Column[int]:
    return Column("id", _Int, primary_key=True, autoincrement=True)


migrations = _table("migrations", Column("name", Text, primary_key=True), _int("applied_s"))

cursors = _table(
    "cursors",
    Column("deployment", Text, primary_key=True),
    _text("protocol"),
    _text("chain"),
    _int("number", null=True),
    _text("hash"),
    _int("time_s"),
    _int("committed_s"),
    _text("at"),
)

positions = _table(
    "positions",
    Column("id", Text, primary_key=True),
    _text("chain"),
    _text("protocol"),
    _text("deployment"),
    _text("owner", null=True),
    _text("status"),
    _text("health_key"),
    _text("debt_key"),
    _text("distance_key"),
    _int("debt_cents", null=True),
    _int("at_time_s"),
    _text("row"),
    _text("remedy", null=True),
    _text("quote", null=True),
    _int("time_to_liquidation_s", null=True),
    _text("nearness", null=True),
    Column("profit_key", Text, nullable=False, server_default="9" * 41),
    _int("profit_cents", null=True),
    _int("is_liquidatable", null=True),
    _text("tokens", null=True),
    Index("positions_by_health", "health_key", "id"),
    Index("positions_by_debt", "debt_key", "id"),
    Index("positions_by_distance", "distance_key", "id"),
    Index("positions_by_owner", "owner"),
    Index("positions_by_deployment", "deployment", "status"),
)

states = _table(
    "states",
    Column("position", Text, primary_key=True),
    _text("level", null=True),
    _int("is_unknown"),
    _text("driver"),
    _text("incident", null=True),
    _text("state"),
)

incidents = _table(
    "incidents",
    Column("id", Text, primary_key=True),
    _text("position"),
    _int("opened_s"),
    _int("closed_s", null=True),
    _text("worst"),
    _text("worst_health_wad", null=True),
    Index("incidents_by_position", "position"),
)

alerts = _table(
    "alerts",
    _serial(),
    Column("key", Text, nullable=False, unique=True),
    _text("position"),
    _text("deployment"),
    _text("kind"),
    _text("incident"),
    _int("seq"),
    _text("level"),
    _int("at_time_s"),
    _int("committed_s"),
    _text("alert"),
    Index("alerts_by_position", "position", "id"),
)

outbox = _table(
    "outbox",
    _serial(),
    Column("alert", Text, ForeignKey("alerts.key"), nullable=False),
    Column("dedupe_key", Text, nullable=False, unique=True),
    _text("recipient"),
    _text("position"),
    _text("topic"),
    _text("routes"),
    _int("route"),
    _text("channel"),
    _text("address"),
    _int("severity"),
    _int("time_to_liquidation_s", null=True),
    _text("state"),
    _int("attempts"),
    _int("next_try_s"),
    _int("created_s"),
    _int("wait_s"),
    _int("step"),
    _int("leader", null=True),
    _text("token", null=True),
    _text("label", null=True),
    Index("outbox_token", "token", unique=True),
    Index("outbox_by_alert", "alert"),
    Index("outbox_due", "channel", "severity", "id", sqlite_where=_pending, postgresql_where=_pending),
    Index("outbox_topic", "recipient", "position", "topic", sqlite_where=_pending, postgresql_where=_pending),
)

refusals = _table(
    "refusals",
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    _int("at_s"),
)

deliveries = _table(
    "deliveries",
    _serial(),
    Column("outbox", _Int, ForeignKey("outbox.id"), nullable=False),
    _text("channel"),
    _text("outcome"),
    _int("at_s"),
    _text("detail"),
    Index("deliveries_by_channel", "channel", "id"),
    Index("deliveries_by_outbox", "outbox"),
)

ledgers = _table(
    "ledgers",
    Column("deployment", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    _text("hash"),
    _text("digest"),
    _bytes("head"),
    _int("image_bytes"),
    _int("log_bytes"),
    _int("steps"),
)

ledger_parts = _table(
    "ledger_parts",
    Column("deployment", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("part", _Int, primary_key=True),
    _bytes("data"),
)

ledger_steps = _table(
    "ledger_steps",
    Column("deployment", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("seq", _Int, primary_key=True),
    _bytes("data"),
)

events = _table(
    "events",
    Column("deployment", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _text("kind"),
    _int("at_block"),
    _text("event"),
)

audits = _table(
    "audits",
    Column("deployment", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("number", _Int, primary_key=True),
    _int("audited_s"),
    _int("sampled"),
    _int("differing"),
    _int("apart"),
    _int("match_ppm"),
)

probations = _table("probations", _key("chain"), _key("name"), _int("since_s"))

subscribers = _table(
    "subscribers",
    Column("name", Text, primary_key=True),
    _text("origin"),
    _text("zone"),
    _int("quiet_from", null=True),
    _int("quiet_until", null=True),
    _int("digest_at", null=True),
    _text("digested_on", null=True),
    _text("levels", null=True),
    _int("muted_until_s", null=True),
    _int("stopped_s", null=True),
    _int("created_s"),
)

contacts = _table(
    "contacts",
    Column("subscriber", Text, ForeignKey("subscribers.name"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    _int("place"),
    _int("stopped_s", null=True),
    Index("contacts_by_address", "channel", "address"),
)

watches = _table(
    "watches",
    Column("subscriber", Text, ForeignKey("subscribers.name"), primary_key=True),
    Column("owner", Text, primary_key=True),
    _text("label"),
)

silences = _table("silences", _key("subscriber"), _key("position"), _int("since_s"))

acks = _table(
    "acks",
    Column("recipient", Text, primary_key=True),
    Column("incident", Text, primary_key=True),
    _text("position"),
    _text("level"),
    _int("at_s"),
    _int("until_s"),
)

acked_by = _table("acked_by", _key("incident"), _key("level"), _key("by"), _int("at_s"))

held = _table(
    "held",
    Column("recipient", Text, primary_key=True),
    Column("alert", Text, ForeignKey("alerts.key"), primary_key=True),
    _int("held_s"),
)

links = _table(
    "links",
    Column("digest", Text, primary_key=True),
    Column("subscriber", Text, ForeignKey("subscribers.name"), nullable=False),
    _text("code"),
    _int("expires_s"),
    _text("claimed_by", null=True),
    _int("used_s", null=True),
)

own_states = _table("own_states", _key("subscriber"), _key("position"), _text("state"))

revisions = _table("revisions", Column("of", Text, primary_key=True), _int("number"))

api_keys = _table(
    "api_keys",
    Column("id", Text, primary_key=True),
    _text("label"),
    _text("digest"),
    _text("scopes"),
    _int("created_s"),
    _int("revoked_s", null=True),
)

leases = _table("leases", Column("name", Text, primary_key=True), _text("holder"), _text("place"), _int("beat"))
