"""Real Aave v2 on a local chain, from npm `@aave/protocol-v2`; the chain itself is `tests.devnet`'s.

    market = aave_v2(chain, "ETH")      # nine reserves, 150 people; prices in ether by the first AaveOracle
    market = aave_v2(chain, "USD")      # the same in dollars, by the later oracle that names its base currency

Market  .deployed .people · accounts_data(users) refusals(attempts) · set_price scale_price set_feed_failing set_paused
        set_frozen use_manager allow_whole_debts(at) · send(signature, …): a call of the pool
"""
