// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

import {IMorpho, MarketParams} from "@morpho-org/morpho-blue/src/interfaces/IMorpho.sol";
import {MathLib} from "@morpho-org/morpho-blue/src/libraries/MathLib.sol";
import {SharesMathLib} from "@morpho-org/morpho-blue/src/libraries/SharesMathLib.sol";
import {MorphoBalancesLib} from "@morpho-org/morpho-blue/src/libraries/periphery/MorphoBalancesLib.sol";

/// What the package's own libraries compute, for tests to compare with.
contract Told {
    function balances(IMorpho morpho, MarketParams memory params)
        external
        view
        returns (uint256, uint256, uint256, uint256)
    {
        return MorphoBalancesLib.expectedMarketBalances(morpho, params);
    }

    function owed(IMorpho morpho, MarketParams memory params, address user) external view returns (uint256) {
        return MorphoBalancesLib.expectedBorrowAssets(morpho, params, user);
    }

    function taylor(uint256 rate, uint256 elapsed) external pure returns (uint256) {
        return MathLib.wTaylorCompounded(rate, elapsed);
    }

    function divUp(uint256 a, uint256 b) external pure returns (uint256) {
        return MathLib.wDivUp(a, b);
    }

    function shares(uint256 x, uint256 assets, uint256 total)
        external
        pure
        returns (uint256, uint256, uint256, uint256)
    {
        return (
            SharesMathLib.toSharesDown(x, assets, total),
            SharesMathLib.toSharesUp(x, assets, total),
            SharesMathLib.toAssetsDown(x, assets, total),
            SharesMathLib.toAssetsUp(x, assets, total)
        );
    }
}
