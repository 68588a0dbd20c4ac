// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// Many one-word views in one call. Calldata: selector (4 bytes), then target (20) and account (20) per question.
/// Returns one word per question and reverts if any target does.
contract Words {
    fallback() external {
        assembly {
            let n := div(sub(calldatasize(), 4), 40)
            mstore(0, calldataload(0))
            for { let i := 0 } lt(i, n) { i := add(i, 1) } {
                let at := add(4, mul(i, 40))
                mstore(4, shr(96, calldataload(add(at, 20))))
                let out := add(0x40, mul(i, 32))
                if iszero(staticcall(gas(), shr(96, calldataload(at)), 0, 36, out, 32)) {
                    returndatacopy(0, 0, returndatasize())
                    revert(0, returndatasize())
                }
            }
            return(0x40, mul(n, 32))
        }
    }
}
