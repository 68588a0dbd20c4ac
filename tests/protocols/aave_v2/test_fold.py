"""Accounts folded from logs are, block after block, what the contracts store; liquidations and parameters are told."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pytest

from monitor.adapter import Fold
from monitor.domain.ids import PositionKey, address
from monitor.ledger.accounts import Account
from monitor.ledger.sums import sums
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT
from monitor.query import Log, Logs, ask_raw
from tests.devnet.aave_v2.market import BORROW, DEPOSIT, MAX, REPAY, USE, VARIABLE, WITHDRAW
from tests.devnet.chain.client import DEPLOYER
from tests.protocols.aave_v2.acting import Acting
from tests.protocols.aave_v2.watched import Watched

pytestmark = pytest.mark.devnet

BLOCKS, STRIDE = 120, 15
NEWCOMER = "0x" + "c2" * 20


class Following:
    """A dictionary for a ledger: what every block's logs make of it, held against what the contracts store."""

    def __init__(self, watched: Watched, keys: Iterable[PositionKey]) -> None:
        self.watched = watched
        self.market = watched.market()
        self.at = watched.devnet.chain.head().number
        self.accounts = {a.key: a for a in watched.accounts(self.market, list(keys))}
        self.counts: Counter[str] = Counter()
        self.mismatches: list[str] = []
        self.behind = (self.market, dict(self.accounts), list[Log]())

    def step(self) -> Fold:
        """Take the next block's logs and compare everything."""
        self.at += 1
        watched, block = self.watched, hex(self.at)
        before, market = self.market, watched.node.read(watched.adapter.again(self.market), block)
        logs = self._logs(market)
        fold = watched.adapter.fold(before, market, self.accounts.get, logs)
        assert {a.key for a in fold.put} | set(fold.reread) <= set(watched.adapter.touched(market, logs))
        self.market = market
        self.accounts |= {account.key: account for account in fold.put}
        reread = watched.node.read(watched.adapter.accounts(market, fold.reread), block)
        self.accounts |= {account.key: account for account in reread}
        self._compare(block, self.accounts)
        self.counts.update(put=len(fold.put), reread=len(fold.reread), appeared=len(fold.appeared), logs=len(logs))
        self.counts.update(liquidated=len(fold.liquidated), blocks=1)
        self.behind[2].extend(logs)
        if self.counts["blocks"] % STRIDE == 0:
            self._fold_many_at_once(block)
        return fold

    def _logs(self, market: Market) -> tuple[Log, ...]:
        read = ask_raw(Logs(self.watched.adapter.interests(market), self.at))
        (found,) = self.watched.node.read(read, hex(self.at))
        assert isinstance(found, tuple)
        return found

    def _fold_many_at_once(self, block: str) -> None:
        before, accounts, logs = self.behind
        fold = self.watched.adapter.fold(before, self.market, accounts.get, logs)
        folded = accounts | {account.key: account for account in fold.put}
        self._compare(block, {key: a for key, a in folded.items() if key not in fold.reread})
        self.counts["folded at once"] += len(fold.put)
        self.behind = (self.market, dict(self.accounts), [])

    def _compare(self, block: str, ours: dict[PositionKey, Account]) -> None:
        truth = self.watched.node.read(self.watched.adapter.accounts(self.market, list(ours)), block)
        for account in truth:
            self.counts["compared"] += 1
            if ours[account.key] != account:
                self.mismatches.append(f"{block} {account.key}: expected {account}, found {ours[account.key]}")


def test_accounts_folded_block_by_block_are_what_the_contracts_store(watched: Watched) -> None:
    acting = Acting(watched, seed=11)
    borrowers = watched.adapter.discovered(watched.logs(watched.adapter.discovery(watched.deployment, watched.key)))
    following = Following(watched, borrowers)
    for _ in range(BLOCKS):
        acting.block()
        while following.at < watched.devnet.chain.head().number:
            following.step()
    print(following.counts, acting.done)
    assert following.mismatches == []
    assert following.counts["compared"] >= 10_000
    assert following.counts["put"] >= 60
    assert following.counts["liquidated"] >= 5
    assert following.counts["folded at once"] >= 40
    owed = watched.node.read(watched.adapter.totals(following.market), hex(following.at))
    found = sums(watched.accounts(following.market, list(following.accounts)))
    assert owed
    assert {place: found.get(place, 0) for place in owed} == owed


class Scene:
    """A market before and after some acts, with the logs between."""

    def __init__(self, watched: Watched) -> None:
        self.watched, self.devnet = watched, watched.devnet
        self.before = watched.market()
        self.block = watched.devnet.chain.head().number
        self.accounts = {a.key: a for a in watched.accounts(self.before)}

    def logs(self) -> tuple[Log, ...]:
        return self.watched.logs(self.watched.adapter.interests(self.watched.market()), self.block + 1)

    def fold(self, logs: Sequence[Log] | None = None) -> Fold:
        chosen = self.logs() if logs is None else logs
        return self.watched.adapter.fold(self.before, self.watched.market(), self.accounts.get, chosen)

    def truth(self, key: PositionKey) -> Account:
        return self.watched.account(self.watched.market(), key)


@pytest.fixture
def scene(in_ether: Watched) -> Scene:
    return Scene(in_ether)


def changed(fold: Fold) -> set[tuple[str, str, object, object, bool]]:
    return {(c.subject, c.field, c.old, c.new, c.log is not None) for c in fold.changed}


def debtor(scene: Scene) -> tuple[PositionKey, int]:
    """Somebody who owes a reserve that books its interest, at a variable rate only, and which."""
    forgetful = scene.devnet.reserve("CRV").id
    return next(
        (account.key, b.asset)
        for account in scene.accounts.values()
        for b in account.balances
        if b.kind == SCALED_DEBT and b.raw and b.asset != forgetful
        if [other.kind for other in account.balances if other.asset == b.asset] == [SCALED_DEBT]
    )


def test_who_borrows_first_appears_and_who_only_lends_does_not(scene: Scene) -> None:
    weth, dai = scene.devnet.reserve("WETH"), scene.devnet.reserve("DAI")
    send = scene.devnet.chain.send
    send(weth.token, "mint(address,uint256)", NEWCOMER, 10**20)
    send(weth.token, "approve(address,uint256)", scene.devnet.deployed.pool, MAX, sender=NEWCOMER)
    scene.devnet.send(DEPOSIT, weth.token, 10**20, NEWCOMER, 0, sender=NEWCOMER)
    assert scene.fold().appeared == ()
    scene.devnet.send(BORROW, dai.token, 10**20, VARIABLE, 0, NEWCOMER, sender=NEWCOMER)
    assert scene.fold().appeared == scene.fold().reread == (PositionKey(address(NEWCOMER)),)


def test_who_repays_all_is_read_again_because_only_the_bit_says_what_is_left(scene: Scene) -> None:
    key, asset = debtor(scene)
    token = scene.devnet.deployed.reserves[asset].token
    scene.devnet.send(REPAY, token, MAX, VARIABLE, key, sender=key)
    assert scene.fold().reread == (key,)
    assert all(b.asset != asset or b.kind == COLLATERAL for b in scene.truth(key).balances)


def test_a_part_repaid_is_known_from_its_logs(scene: Scene) -> None:
    key, asset = debtor(scene)
    token = scene.devnet.deployed.reserves[asset].token
    scene.devnet.send(REPAY, token, 5, VARIABLE, key, sender=key)
    fold = scene.fold()
    assert fold.reread == ()
    assert fold.put == (scene.truth(key),)


def test_collateral_switched_on_by_its_owner_is_read_again_and_off_is_known(scene: Scene) -> None:
    key, asset = next(
        (a.key, a.balances[0].asset) for a in scene.accounts.values() if [b.kind for b in a.balances] == [COLLATERAL]
    )
    token = scene.devnet.deployed.reserves[asset].token
    scene.devnet.send(USE, token, False, sender=key)
    assert scene.fold().put == (scene.truth(key),)
    scene.devnet.send(USE, token, True, sender=key)
    assert scene.fold().reread == (key,)


def test_a_log_that_is_missing_has_its_account_read_again(scene: Scene) -> None:
    key, asset = debtor(scene)
    scene.devnet.send(REPAY, scene.devnet.deployed.reserves[asset].token, 5, VARIABLE, key, sender=key)
    logs = scene.logs()
    burned = next(
        log for log in logs if log.address == address(scene.devnet.deployed.reserves[asset].variable_debt_token)
    )
    assert scene.fold([log for log in logs if log != burned]).reread == (key,)


def test_a_balance_below_nothing_has_its_account_read_again(scene: Scene) -> None:
    key, asset = next(
        (a.key, b.asset)
        for a in scene.accounts.values()
        if not any(o.kind != COLLATERAL for o in a.balances)
        for b in a.balances
        if b.raw > 10
    )
    token = scene.devnet.deployed.reserves[asset].token
    account = scene.accounts[key]
    rows = tuple(type(b)(b.asset, b.kind, 1) for b in account.balances)
    scene.accounts[key] = Account(key, 0, rows)
    scene.devnet.send(WITHDRAW, token, 9, key, sender=key)
    assert scene.fold().reread == (key,)


def test_parameters_that_change_are_told_with_the_old_and_the_new_value(scene: Scene) -> None:
    devnet, send = scene.devnet, scene.devnet.chain.send
    deployed, pool = devnet.deployed, address(devnet.deployed.pool)
    link, dai = (address(devnet.reserve(s).token) for s in ("LINK", "DAI"))
    configure = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
    send(deployed.configurator, configure, link, 6_000, 7_000, 11_500)
    send(deployed.configurator, "setReserveFactor(address,uint256)", dai, 2_500)
    devnet.set_frozen("LINK", True)
    devnet.set_paused(True)
    source = address(devnet.reserve("USDC").feed.source)
    send(deployed.oracle, "setAssetSources(address[],address[])", [dai], [source])
    send(deployed.provider, "setEmergencyAdmin(address)", NEWCOMER)
    sentinel = address(devnet.grant_graces())
    manager = devnet.chain.view(deployed.provider, "getLendingPoolCollateralManager()(address)")
    none = "0x" + 40 * "0"
    assert changed(scene.fold()) == {
        (link, "ltv_bps", 7_000, 6_000, True),
        (link, "threshold_bps", 7_500, 7_000, True),
        (link, "bonus_bps", 11_000, 11_500, True),
        (link, "is_frozen", 0, 1, True),
        (dai, "reserve_factor_bps", None, 2_500, True),
        (dai, "price source", address(devnet.reserve("DAI").feed.source), source, True),
        (pool, "is_paused", 0, 1, True),
        (pool, "emergency_admin", None, NEWCOMER, True),
        (pool, "collateral_manager", address(deployed.manager), manager, True),
        (pool, "grace_sentinel", none, sentinel, False),
    }
    settled = Scene(scene.watched)
    send(sentinel, "setGracePeriods(address[],uint40[])", [link], [2_000_000_000])
    assert changed(settled.fold()) == {(link, "grace_until_s", 0, 2_000_000_000, True)}


def test_what_accrues_by_itself_is_no_changed_parameter(scene: Scene) -> None:
    scene.devnet.chain.advance_time(1_000_000)
    scene.devnet.scale_price("DAI", 1_010_000)
    assert scene.fold() == Fold()
    scene.devnet.send(DEPOSIT, scene.devnet.reserve("DAI").token, 10**18, DEPLOYER, 0)
    assert scene.fold().changed == ()
