# pragma version 0.4.3
# pragma evm-version paris
"""
@title Reads what Aave v2 accounts have stored, and nothing they have not
@license MIT
@notice Calldata: pool (20 bytes), number of reserve slots (1), per slot aToken (20), variable debt token (20), stable
        debt token (20), zero where there is none; then one address (20) per account. Output: 32-byte words, one run per
        account, each word
        0 (104 bits) | first of its account (8) | reserve id (8) | kind (8) | value (128).
        An account with nothing is one word of kind NOTHING. A token call that fails is a word of kind FAILED.
        The last word is of kind END, its value the number of words before it. Where gas or room run out, the runs end
        before the accounts do: the rest is to be asked again.
"""

interface Pool:
    def getUserConfiguration(account: address) -> uint256: view

COLLATERAL: constant(uint256) = 0
STABLE_RATE: constant(uint256) = 1
STABLE_SINCE: constant(uint256) = 2
STABLE_PRINCIPAL: constant(uint256) = 3
SCALED_DEBT: constant(uint256) = 4
END: constant(uint256) = 253
NOTHING: constant(uint256) = 254
FAILED: constant(uint256) = 255

MAX_WORDS: constant(uint256) = 4096
MAX_ACCOUNTS: constant(uint256) = 4096
MAX_RESERVES: constant(uint256) = 128
MAX_WORDS_EACH: constant(uint256) = 5 * MAX_RESERVES
HEAD: constant(uint256) = 21
SLOT: constant(uint256) = 60
TOKEN_GAS: constant(uint256) = 400_000
ENDING_GAS: constant(uint256) = 2_000_000

SCALED: constant(bytes4) = method_id("scaledBalanceOf(address)", output_type=bytes4)
PRINCIPAL: constant(bytes4) = method_id("principalBalanceOf(address)", output_type=bytes4)
RATE: constant(bytes4) = method_id("getUserStableRate(address)", output_type=bytes4)
SINCE: constant(bytes4) = method_id("getUserLastUpdated(address)", output_type=bytes4)


@external
@payable
@raw_return
def __default__() -> Bytes[32 * MAX_WORDS + 32]:
    pool: address = convert(slice(msg.data, 0, 20), address)
    start: uint256 = HEAD + SLOT * convert(slice(msg.data, 20, 1), uint256)
    words: DynArray[uint256, MAX_WORDS] = []
    for i: uint256 in range((len(msg.data) - start) // 20, bound=MAX_ACCOUNTS):
        if msg.gas < ENDING_GAS or len(words) + MAX_WORDS_EACH >= MAX_WORDS:
            break
        account: address = convert(slice(msg.data, start + i * 20, 20), address)
        tag: uint256 = 1 << 144
        bits: uint256 = staticcall Pool(pool).getUserConfiguration(account, skip_contract_check=True)
        is_empty: bool = True
        for _: uint256 in range(MAX_RESERVES):
            if bits == 0:
                break
            reserve: uint256 = self._lowest(bits) // 2
            pair: uint256 = bits >> (reserve * 2)
            bits = bits & ~(3 << (reserve * 2))
            at: uint256 = HEAD + SLOT * reserve
            a_token: address = empty(address)
            if at < start:
                a_token = convert(slice(msg.data, at, 20), address)
            if a_token == empty(address):
                continue
            tag = tag & (1 << 144) | (reserve << 136)
            if pair & 2 != 0:
                words.append(tag | self._balance(a_token, SCALED, account, COLLATERAL))
                tag = tag & ~(1 << 144)
                is_empty = False
            if pair & 1 != 0:
                stable: address = convert(slice(msg.data, at + 40, 20), address)
                if stable != empty(address):
                    principal: uint256 = self._balance(stable, PRINCIPAL, account, STABLE_PRINCIPAL)
                    if principal != STABLE_PRINCIPAL << 128:
                        words.append(tag | self._balance(stable, RATE, account, STABLE_RATE))
                        tag = tag & ~(1 << 144)
                        words.append(tag | self._balance(stable, SINCE, account, STABLE_SINCE))
                        words.append(tag | principal)
                debt: address = convert(slice(msg.data, at + 20, 20), address)
                words.append(tag | self._balance(debt, SCALED, account, SCALED_DEBT))
                tag = tag & ~(1 << 144)
                is_empty = False
        if is_empty:
            words.append(tag | (NOTHING << 128))
    words.append((1 << 144) | (END << 128) | len(words))
    return slice(abi_encode(words, ensure_tuple=False), 32, 32 * len(words))


@internal
@view
def _balance(token: address, selector: bytes4, account: address, kind: uint256) -> uint256:
    # With less gas than this a call may fail although the token is fine: then the batch is too large, not the token bad.
    assert msg.gas > TOKEN_GAS * 65 // 64
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        token,
        concat(selector, convert(account, bytes32)),
        max_outsize=32,
        gas=TOKEN_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 32 or convert(answer, uint256) >> 128 != 0:
        return (FAILED << 128) | kind
    return (kind << 128) | convert(answer, uint256)


@internal
@pure
def _lowest(bits: uint256) -> uint256:
    """
    @notice Position of the lowest set bit
    """
    one: uint256 = bits & (max_value(uint256) - bits + 1)
    position: uint256 = 0
    if one >> 128 != 0:
        position = 128
        one = one >> 128
    if one >> 64 != 0:
        position += 64
        one = one >> 64
    if one >> 32 != 0:
        position += 32
        one = one >> 32
    if one >> 16 != 0:
        position += 16
        one = one >> 16
    if one >> 8 != 0:
        position += 8
        one = one >> 8
    if one >> 4 != 0:
        position += 4
        one = one >> 4
    if one >> 2 != 0:
        position += 2
    return position
