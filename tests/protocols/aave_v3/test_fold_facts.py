"""What folding tells beside balances: liquidations, changed parameters, and which accounts must be read again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from monitor.adapter import Fold, Known
from monitor.domain.ids import PositionKey, address
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.folding.replay import Replay
from monitor.protocols.aave_v3.market import Configuration, Market
from monitor.query import Log, Logs, ask_raw
from tests.devnet import LIQUIDATOR, MAX, STABLE, TREASURY, Reverted, features
from tests.protocols.aave_v3.watched import Watched

pytestmark = pytest.mark.devnet

NEWCOMER = "0x" + "c1" * 20


class Scene:
    """A market before and after some acts, with the logs between."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.before = watched.market()
        self.block = watched.devnet.chain.head().number
        self.accounts = {a.key: a for a in watched.accounts(self.before)}

    @property
    def market(self) -> Market:
        return self.watched.market()

    def logs(self) -> tuple[Log, ...]:
        read = ask_raw(Logs(self.watched.adapter.interests(self.market), self.block + 1))
        (found,) = self.watched.node.read(read)
        assert isinstance(found, tuple)
        return found

    def fold(self, known: Known | None = None, logs: Sequence[Log] | None = None) -> Fold:
        chosen = self.logs() if logs is None else logs
        return self.watched.adapter.fold(self.before, self.market, known or self.accounts.get, chosen)

    def truth(self, key: str) -> Account:
        return self.watched.account(self.market, PositionKey(address(key)))


@pytest.fixture
def scene(watched: Watched) -> Scene:
    return Scene(watched)


@pytest.fixture
def scene_v30(watched_v30: Watched) -> Scene:
    return Scene(watched_v30)


@pytest.fixture
def scene_v36(watched_v36: Watched) -> Scene:
    return Scene(watched_v36)


def changed(fold: Fold) -> set[tuple[str, str, object, object, bool]]:
    return {(c.subject, c.field, c.old, c.new, c.log is not None) for c in fold.changed}


def test_a_liquidation_is_told_as_it_was(scene: Scene) -> None:
    devnet = scene.watched.devnet
    users = [u for u, names in features(devnet, devnet.accounts).items() if "liquidatable" in names]
    done = []
    for user in users:
        account = scene.accounts[PositionKey(address(user))]
        held = [b.asset for b in account.balances if b.kind == 0]
        owed = [b.asset for b in account.balances if b.kind == 4]
        symbols = {r.id: r.symbol for r in devnet.deployed.reserves}
        try:
            done.append(devnet.liquidate(user, symbols[held[0]], symbols[owed[0]]))
        except Reverted:
            continue
        if len(done) == 6:
            break
    fold = scene.fold()
    tokens = {r.symbol: address(r.token) for r in devnet.deployed.reserves}
    told = [
        (f.key, f.collateral, f.debt, f.repaid_raw, f.seized_raw, f.liquidator, dict(f.written_off_raw))
        for f in fold.liquidated
    ]
    expected = [
        (
            PositionKey(address(one.user)),
            tokens[one.collateral],
            tokens[one.debt],
            one.debt_covered_raw,
            one.collateral_seized_raw,
            address(LIQUIDATOR),
            {tokens[symbol]: raw for symbol, raw in one.deficits_raw.items()},
        )
        for one in done
    ]
    assert len(done) == 6
    assert told == expected
    assert [(f.log.block_number) for f in fold.liquidated] == [one.block for one in done]


def test_parameters_that_change_are_told_with_the_old_and_the_new_value(scene: Scene) -> None:
    devnet, chain = scene.watched.devnet, scene.watched.devnet.chain
    configurator, weth = devnet.deployed.configurator, devnet.reserve("WETH")
    token, link = address(weth.token), address(devnet.reserve("LINK").token)
    terms = (7_000, 7_500, 10_600)
    configure = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
    chain.send(configurator, configure, weth.token, *terms)
    chain.send(configurator, "setSupplyCap(address,uint256)", weth.token, 123_456)
    chain.send(configurator, "setBorrowCap(address,uint256)", weth.token, 77)
    devnet.set_paused("LINK", paused=True)
    chain.send(configurator, "setReserveFreeze(address,bool)", weth.token, True)
    source = devnet.reserve("DAI").feed.source
    chain.send(devnet.deployed.oracle, "setAssetSources(address[],address[])", [link], [source])
    chain.send(devnet.deployed.acl_manager, "addRiskAdmin(address)", NEWCOMER)
    old = next(r for r in scene.before.reserves.values() if r.token.address == token).configuration
    told = changed(scene.fold())
    assert told >= {
        (token, "ltv_bps", old.ltv_bps, 0 if devnet.deployed.version >= (3, 1) else 7_000, True),
        (token, "threshold_bps", old.threshold_bps, 7_500, True),
        (token, "bonus_bps", old.bonus_bps, 10_600, True),
        (token, "supply_cap_tokens", old.supply_cap_tokens, 123_456, True),
        (token, "borrow_cap_tokens", 0, 77, True),
        (token, "is_frozen", 0, 1, True),
        (link, "is_paused", 0, 1, True),
        (link, "price source", address(devnet.reserve("LINK").feed.source), address(source), True),
    }
    assert any(field == "role granted" and subject == NEWCOMER for subject, field, *_ in told)


def test_a_category_that_changes_is_told(scene_v36: Scene) -> None:
    configurator = scene_v36.watched.devnet.deployed.configurator
    setting = "setEModeCategory(uint8,uint16,uint16,uint16,string)"
    scene_v36.watched.devnet.chain.send(configurator, setting, 2, 9_000, 9_300, 10_100, "ETH correlated")
    dai = scene_v36.watched.devnet.reserve("DAI")
    joining = "setAssetCollateralInEMode(address,uint8,bool)"
    scene_v36.watched.devnet.chain.send(configurator, joining, dai.token, 2, True)
    before = scene_v36.before.categories[2]
    assert changed(scene_v36.fold()) == {
        ("category 2", "ltv_bps", before.ltv_bps, 9_000, True),
        ("category 2", "threshold_bps", before.threshold_bps, 9_300, True),
        ("category 2", "bonus_bps", before.bonus_bps, 10_100, True),
        ("category 2", "members", before.members, before.members | 1 << dai.id, True),
    }


def test_an_oracle_or_an_implementation_that_changes_is_told(scene: Scene) -> None:
    devnet, provider = scene.watched.devnet, scene.watched.devnet.deployed.provider
    devnet.chain.send(provider, "setACLAdmin(address)", NEWCOMER)
    devnet.chain.send(provider, "setPriceOracleSentinel(address)", "0x" + "00" * 20)
    told = changed(scene.fold())
    pool = scene.before.pool
    assert (pool, "sentinel", address(devnet.deployed.sentinel), "0x" + "00" * 20, True) in told
    assert any(field == "acl_admin" and new == NEWCOMER for _, field, _, new, _ in told)


def test_nothing_is_told_of_a_block_in_which_only_prices_and_balances_move(scene: Scene) -> None:
    scene.watched.devnet.scale_prices({"WETH": 900_000})
    scene.watched.devnet.supply(NEWCOMER, "WETH", 10**18)
    assert scene.fold().changed == ()


def test_whoever_was_not_known_appears_with_the_first_debt_and_not_before(scene: Scene) -> None:
    devnet = scene.watched.devnet
    devnet.supply(NEWCOMER, "WETH", 10**18)
    assert scene.fold() == Fold()
    devnet.borrow(NEWCOMER, "USDC", 10**8)
    fold = scene.fold()
    assert fold.appeared == fold.reread == (PositionKey(NEWCOMER),)


def test_of_an_act_told_twice_either_log_may_be_lost(scene: Scene) -> None:
    """The token tells an act and so does the pool: without one of them the account is exact still, or read again."""
    devnet, user = scene.watched.devnet, NEWCOMER
    devnet.supply(user, "WETH", 10**18)
    devnet.borrow(user, "USDC", 10**8)
    scene.block = devnet.chain.head().number
    scene.before = scene.watched.market()
    scene.accounts[PositionKey(user)] = scene.truth(user)
    devnet.supply(user, "WETH", 10**17)
    devnet.borrow(user, "USDC", 10**7)
    devnet.chain.advance_time(3_600)
    devnet.repay(user, "USDC", 10**6)
    devnet.withdraw(user, "WETH", 10**16)
    logs, truth = scene.logs(), scene.truth(user)
    tried = 0
    for lost in logs:
        left = [log for log in logs if log != lost]
        fold = scene.fold(logs=left)
        put = {account.key: account for account in fold.put}
        assert PositionKey(user) in fold.reread or put[PositionKey(user)] == truth
        tried += 1
    assert tried >= 8
    assert scene.fold().put == (truth,)


def test_what_the_treasury_earns_is_folded_where_it_is_its_collateral(scene: Scene) -> None:
    devnet, key, weth = scene.watched.devnet, PositionKey(TREASURY), scene.watched.devnet.reserve("WETH")
    earn = "mintToTreasury(address[])"
    devnet.chain.send(scene.watched.key, earn, [weth.token])
    devnet.use_as_collateral(TREASURY, "WETH")
    scene.block, scene.accounts[key] = devnet.chain.head().number, scene.truth(key)
    devnet.chain.advance_time(86_400)
    devnet.supply(NEWCOMER, "WETH", 10**18)
    devnet.chain.send(scene.watched.key, earn, [weth.token])
    assert scene.truth(key) != scene.accounts[key]
    assert scene.fold().put == (scene.truth(key),)
    assert key in scene.watched.adapter.touched(scene.market, scene.logs())


def test_a_stable_debt_is_read_again(scene_v30: Scene) -> None:
    devnet, key = scene_v30.watched.devnet, PositionKey(NEWCOMER)
    devnet.supply(NEWCOMER, "WETH", 10**18)
    scene_v30.accounts[key] = scene_v30.truth(NEWCOMER)
    scene_v30.block = devnet.chain.head().number
    devnet.borrow(NEWCOMER, "DAI", 10**18, STABLE)
    assert scene_v30.fold().reread == (key,)
    assert scene_v30.fold().appeared == ()


def test_after_an_upgrade_every_known_account_that_is_named_is_read_again(scene: Scene) -> None:
    devnet, user = scene.watched.devnet, scene.watched.keys[0]
    devnet.supply(user, "WETH", 10**18)
    other = replace(scene.before, layout=replace(scene.before.layout, revision=9))
    fold = scene.watched.adapter.fold(other, scene.market, scene.accounts.get, scene.logs())
    assert fold.reread == (user,)
    assert (scene.before.pool, "revision", 9, scene.before.layout.revision, False) in changed(fold)


def test_debt_that_a_discount_may_shrink_is_read_again(scene_v30: Scene) -> None:
    devnet, market = scene_v30.watched.devnet, scene_v30.market
    rules = replace(market.rules, may_discount_debt=True)
    discounting = replace(market, rules=rules)
    devnet.supply(NEWCOMER, "WETH", 10**18)
    scene_v30.block, scene_v30.accounts[PositionKey(NEWCOMER)] = devnet.chain.head().number, scene_v30.truth(NEWCOMER)
    devnet.borrow(NEWCOMER, "GHO", 10**18)
    fold = scene_v30.watched.adapter.fold(discounting, discounting, scene_v30.accounts.get, scene_v30.logs())
    assert fold.reread == (PositionKey(NEWCOMER),)
    virtual = {
        number: replace(r, configuration=Configuration(r.configuration.word | 1 << 252))
        for number, r in market.reserves.items()
    }
    exact = replace(discounting, reserves=virtual)
    fold = scene_v30.watched.adapter.fold(exact, exact, scene_v30.accounts.get, scene_v30.logs())
    assert fold.put == (scene_v30.truth(NEWCOMER),)


def test_what_contradicts_the_logs_is_read_again(scene: Scene) -> None:
    devnet, key = scene.watched.devnet, PositionKey(NEWCOMER)
    devnet.supply(NEWCOMER, "WETH", 10**18)
    devnet.borrow(NEWCOMER, "USDC", 10**8)
    empty = Account(key, 0, ())
    scene.block = devnet.chain.head().number
    devnet.repay(NEWCOMER, "USDC", 10**6)
    assert scene.fold(lambda _: empty).reread == (key,)
    scene.block = devnet.chain.head().number
    devnet.repay(NEWCOMER, "USDC", MAX)
    devnet.withdraw(NEWCOMER, "WETH")
    assert scene.fold(lambda _: empty).reread == (key,)


def test_a_log_of_the_wrong_form_is_no_log(scene: Scene) -> None:
    devnet = scene.watched.devnet
    devnet.supply(scene.watched.keys[0], "WETH", 10**18)
    logs = scene.logs()
    for broken in _broken(logs):
        with pytest.raises(DecodeError):
            scene.fold(logs=broken)


def _broken(logs: Sequence[Log]) -> Iterator[list[Log]]:
    for i, log in enumerate(logs):
        for change in (replace(log, data=log.data[:-32]), replace(log, topics=log.topics[:-1])):
            yield [*logs[:i], change, *logs[i + 1 :]]


def test_logs_of_other_contracts_change_nothing(scene: Scene) -> None:
    devnet = scene.watched.devnet
    devnet.supply(scene.watched.keys[0], "WETH", 10**18)
    strangers = [replace(log, address=address("0x" + "99" * 20)) for log in scene.logs()]
    replay = Replay(scene.before, scene.market, scene.accounts.get)
    for log in strangers:
        replay.take(log)
    assert list(replay.accounts()) == []
    assert not replay.reread
