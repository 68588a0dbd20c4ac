"""Real Aave contracts on a local anvil, for tests and the demo. Synchronous, no pytest; deterministic from a seed.

    with running_chain() as chain:                   # anvil: chain.node.http_url / .ws_url / .ipc_path
        market = aave_v30(chain)                     # real Aave v3.0.2, 17 reserves, 2 e-modes, sentinel
        market = aave_v36(chain, accounts=500)       # v3.6, settled: 500 random accounts and 395 crafted ones
        market = aave_wide(chain, accounts=3000)     # 60 reserves, 3 legs each, written into storage (no events)
        market = hostile_market(chain)               # one reserve and one account for each spoilt symbol
        install_multicall3(chain)                    # at its canonical address

Market      .deployed: Deployed   .accounts: tuple[address, …]   .chain: Chain
  read      account_data(user) / accounts_data(users) -> AccountData (six) · answer(symbol) · oracle_price(symbol)
  accounts  supply withdraw borrow repay (user, symbol, raw amount) · use_as_collateral · set_e_mode · fund
  liquidate liquidate(user, collateral, debt, amount=MAX) -> Liquidation, or raises Reverted (.error: its name)
  prices    set_price(symbol, answer_e8) scale_price(symbol, ppm) set_prices({symbol: answer}) scale_prices({…}) beat()
            set_ratio set_price_age set_feed_failing set_answer_bounds
  switches  set_sequencer(up) · set_paused(symbol, paused) · grant_grace(symbol, s) (v3.1+)
features(market, users) -> {user: names of FEATURES it has now}   legs_of(market, users) -> {user: Legs}
moments(market)             moves the market through named moments (use inside chain.undone()); yields each name
liquidate_some(market, n)   real liquidations of up to n accounts
hostile_tokens(chain)       {kind: address} for HOSTILE: reverting, INVALID, endless, 2 MB, bytes32, non-UTF-8, …
Deployed    version provider pool configurator oracle acl_manager data_provider sentinel sequencer reserves e_modes
            liquidation_data_provider (v3.6) · reserve(symbol)
Reserve     id symbol token decimals unit a_token stable_debt_token variable_debt_token feed shape (see aave/shape.py)
PriceFeed   source (the oracle reads it) feed (Chainlink-style proxy) aggregator (set here, emits AnswerUpdated)
            decimals heartbeat_s description ratio_source
Chain       head() mine(n) advance_time(s) snapshot() revert(id) undone() · view views send deploy bulk
            words(signature, [(target, account)]) set_code set_storage rpc reorg(depth) · each block is 12 s after its
            parent (set_block_interval, follow_wall_clock); advance_time mines one that much later

Addresses are lower-case or as deployed, never checksummed. `DevnetUnavailable` says what to install where it cannot.
"""

from tests.devnet.aave.deployed import Deployed, EMode, PriceFeed, Reserve
from tests.devnet.aave.market import LIQUIDATOR, MAX, STABLE, TREASURY, VARIABLE, AccountData, Liquidation, Market
from tests.devnet.chain.anvil import Anvil, anvil
from tests.devnet.chain.client import DEPLOYER, Chain, Head, Reverted, Transaction, running_chain
from tests.devnet.chain.multicall3 import install_multicall3
from tests.devnet.chain.rpc import Rpc, RpcError
from tests.devnet.chain.toolchain import DevnetUnavailable, node, node_modules, npm
from tests.devnet.hostile import HOSTILE, hostile_market, hostile_tokens
from tests.devnet.opening import aave_v30, aave_v36
from tests.devnet.people.features import FEATURES, Legs, features, legs_of
from tests.devnet.people.moments import liquidate_some, moments
from tests.devnet.people.wide import aave_wide

__all__ = [
    "DEPLOYER",
    "FEATURES",
    "HOSTILE",
    "LIQUIDATOR",
    "MAX",
    "STABLE",
    "TREASURY",
    "VARIABLE",
    "AccountData",
    "Anvil",
    "Chain",
    "Deployed",
    "DevnetUnavailable",
    "EMode",
    "Head",
    "Legs",
    "Liquidation",
    "Market",
    "PriceFeed",
    "Reserve",
    "Reverted",
    "Rpc",
    "RpcError",
    "Transaction",
    "aave_v30",
    "aave_v36",
    "aave_wide",
    "anvil",
    "features",
    "hostile_market",
    "hostile_tokens",
    "install_multicall3",
    "legs_of",
    "liquidate_some",
    "moments",
    "node",
    "node_modules",
    "npm",
    "running_chain",
]
