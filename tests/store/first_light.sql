BEGIN TRANSACTION;
CREATE TABLE alerts (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	position TEXT NOT NULL, 
	deployment TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	incident TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	level TEXT NOT NULL, 
	at_time_s INTEGER NOT NULL, 
	committed_s INTEGER NOT NULL, 
	alert TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
)
 STRICT

;
INSERT INTO "alerts" VALUES(1,'I000000001:0:worsened','eip155:31337/aave_v3/local-core/0xcccccccccccccccccccccccccccccccccccccccc/0x0000000000000000000000000000000000000001','local-core','worsened','I000000001',0,'CRITICAL',1750000000,1750000000,'{"position": "eip155:31337/aave_v3/local-core/0xcccccccccccccccccccccccccccccccccccccccc/0x0000000000000000000000000000000000000001", "kind": "worsened", "incident": "I000000001", "seq": 0, "level": 4, "previous": 0, "at_block": 100, "at_time_s": 1750000000, "facts": {"health": "1.04", "cautious_health": "1.03", "driver": "protocol"}, "time_to_liquidation_s": null, "rule": "health"}');
CREATE TABLE cursors (
	deployment TEXT NOT NULL, 
	protocol TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	number INTEGER, 
	hash TEXT NOT NULL, 
	time_s INTEGER NOT NULL, 
	committed_s INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (deployment)
)
 STRICT

;
INSERT INTO "cursors" VALUES('local-core','aave_v3','eip155:31337',100,'0x0000000000000000000000000000000000000000000000000000000000000064',1750001200,1750000000,'{"kind": "BlockRef", "chain": "eip155:31337", "number": 100, "hash": "0x0000000000000000000000000000000000000000000000000000000000000064", "parent_hash": "0x0000000000000000000000000000000000000000000000000000000000000063", "timestamp_s": 1750001200}');
CREATE TABLE deliveries (
	id INTEGER NOT NULL, 
	outbox INTEGER NOT NULL, 
	channel TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	at_s INTEGER NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(outbox) REFERENCES outbox (id)
)
 STRICT

;
CREATE TABLE incidents (
	id TEXT NOT NULL, 
	position TEXT NOT NULL, 
	opened_s INTEGER NOT NULL, 
	closed_s INTEGER, 
	worst TEXT NOT NULL, 
	worst_health_wad TEXT, 
	PRIMARY KEY (id)
)
 STRICT

;
CREATE TABLE migrations (
	name TEXT NOT NULL, 
	applied_s INTEGER NOT NULL, 
	PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO "migrations" VALUES('first_light',1750000000);
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	alert TEXT NOT NULL, 
	dedupe_key TEXT NOT NULL, 
	recipient TEXT NOT NULL, 
	position TEXT NOT NULL, 
	topic TEXT NOT NULL, 
	routes TEXT NOT NULL, 
	route INTEGER NOT NULL, 
	channel TEXT NOT NULL, 
	address TEXT NOT NULL, 
	severity INTEGER NOT NULL, 
	time_to_liquidation_s INTEGER, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try_s INTEGER NOT NULL, 
	created_s INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(alert) REFERENCES alerts ("key"), 
	UNIQUE (dedupe_key)
)
 STRICT

;
INSERT INTO "outbox" VALUES(1,'I000000001:0:worsened','6ce228126d53d91531b72d6a17f6e57d9b22bd757beb9240adebf986ccee6e62','telegram:1','eip155:31337/aave_v3/local-core/0xcccccccccccccccccccccccccccccccccccccccc/0x0000000000000000000000000000000000000001','level','[["telegram", "1"]]',0,'telegram','1',4,NULL,'pending',0,0,1750000000);
CREATE TABLE positions (
	id TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	protocol TEXT NOT NULL, 
	deployment TEXT NOT NULL, 
	owner TEXT, 
	status TEXT NOT NULL, 
	health_key TEXT NOT NULL, 
	debt_key TEXT NOT NULL, 
	distance_key TEXT NOT NULL, 
	debt_cents INTEGER, 
	at_time_s INTEGER NOT NULL, 
	"row" TEXT NOT NULL, 
	remedy TEXT, 
	quote TEXT, 
	PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "positions" VALUES('eip155:31337/aave_v3/local-core/0xcccccccccccccccccccccccccccccccccccccccc/0x0000000000000000000000000000000000000001','eip155:31337','aave_v3','local-core','0x0000000000000000000000000000000000000001','measured','10000000000000000000001040000000000000000','09999999999999999999999999999999999900000','99999999999999999999999999999999999999999',100000,1750000012,'{"chain": "eip155:31337", "protocol": "aave_v3", "deployment": "local-core", "market": "0xcccccccccccccccccccccccccccccccccccccccc", "key": "0x0000000000000000000000000000000000000001", "owner": "0x0000000000000000000000000000000000000001", "at_block": 1, "at_hash": "0x0000000000000000000000000000000000000000000000000000000000000001", "at_time": 1750000012, "status": "measured", "reason": null, "kind": "lending", "margin_mode": "cross", "exactness": "exact", "accrual": "accrued", "native_health": "1040000000000000000", "health_numerator": "1040000000000000000", "health_denominator": "1000000000000000000", "health_line": "numerator < denominator", "health_factor": "1.040000000000000000", "is_insolvent": false, "is_liquidatable_now": false, "blockers": "[]", "cautious_health_factor": "1.040000000000000000", "base_unit": "100000000", "collateral_base": "125000000000", "debt_base": "100000000000", "collateral_usd": "1250", "debt_usd": "1000", "equity_usd": "250", "leverage": "5", "distance_pct": null, "liquidation_prices": "[{\"node\": \"feed:0x3333333333333333333333333333333333333333\", \"token\": \"0x1111111111111111111111111111111111111111\", \"symbol\": \"WETH\", \"direction\": \"falls\", \"now\": \"2000\", \"last_safe\": \"1923.07692307\", \"first_liquidatable\": \"1923.07692306\"}]", "legs": "[{\"side\": \"collateral\", \"label\": \"\", \"token\": \"0x1111111111111111111111111111111111111111\", \"symbol\": \"WETH\", \"amount\": \"1\", \"amount_raw\": \"1000000000000000000\", \"raw\": \"1000000000000000000\", \"price\": \"200000000000\", \"value_base\": \"125000000000\", \"weight_bps\": 8000}, {\"side\": \"debt\", \"label\": \"\", \"token\": \"0x2222222222222222222222222222222222222222\", \"symbol\": \"USDC\", \"amount\": \"1000\", \"amount_raw\": \"1000000000\", \"raw\": \"1000000000\", \"price\": \"100000000\", \"value_base\": \"100000000000\", \"weight_bps\": 10000}]"}','{"target": "1.5", "steps": [{"action": "repay", "token": {"address": "0x2222222222222222222222222222222222222222", "symbol": "USDC", "decimals": 6}, "amount": "250.123457", "amount_raw": "250123457", "reaches": "1.500000000000000001"}, {"action": "add", "token": {"address": "0x1111111111111111111111111111111111111111", "symbol": "WETH", "decimals": 18}, "amount": "0.312500000000000001", "amount_raw": "312500000000000001", "reaches": "1.5"}], "unavailable": []}',NULL);
CREATE TABLE refusals (
	channel TEXT NOT NULL, 
	address TEXT NOT NULL, 
	at_s INTEGER NOT NULL, 
	PRIMARY KEY (channel, address)
)
 STRICT

;
CREATE TABLE states (
	position TEXT NOT NULL, 
	level TEXT, 
	is_unknown INTEGER NOT NULL, 
	driver TEXT NOT NULL, 
	incident TEXT, 
	state TEXT NOT NULL, 
	PRIMARY KEY (position)
)
 STRICT

;
INSERT INTO "states" VALUES('eip155:31337/aave_v3/local-core/0xcccccccccccccccccccccccccccccccccccccccc/0x0000000000000000000000000000000000000001','CRITICAL',0,'protocol',NULL,'{"position": "eip155:31337/aave_v3/local-core/0xcccccccccccccccccccccccccccccccccccccccc/0x0000000000000000000000000000000000000001", "level": 4, "driver": "protocol", "at_block": 0, "at_time_s": 0, "known": {}, "incident": null, "incidents": 0, "told": null, "streak": null, "gap": null}');
CREATE INDEX positions_by_owner ON positions (owner);
CREATE INDEX positions_by_distance ON positions (distance_key, id);
CREATE INDEX positions_by_deployment ON positions (deployment, status);
CREATE INDEX positions_by_health ON positions (health_key, id);
CREATE INDEX positions_by_debt ON positions (debt_key, id);
CREATE INDEX incidents_by_position ON incidents (position);
CREATE INDEX alerts_by_position ON alerts (position, id);
CREATE INDEX outbox_due ON outbox (channel, severity, id) WHERE state = 'pending';
CREATE INDEX outbox_topic ON outbox (recipient, position, topic) WHERE state = 'pending';
CREATE INDEX deliveries_by_channel ON deliveries (channel, id);
COMMIT;
