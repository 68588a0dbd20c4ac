// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

import {MarketParams, Market} from "@morpho-org/morpho-blue/src/interfaces/IMorpho.sol";

/// A rate that never moves.
contract SteadyRate {
    uint256 public immutable rate;
    bool public isDown;

    constructor(uint256 perSecond) {
        rate = perSecond;
    }

    function fail(bool down) external {
        isDown = down;
    }

    function borrowRateView(MarketParams memory, Market memory) public view returns (uint256) {
        require(!isDown, "no rate");
        return rate;
    }

    function borrowRate(MarketParams memory params, Market memory market) external view returns (uint256) {
        return borrowRateView(params, market);
    }
}

/// A curve through a rate at 90 % use that moves with how far the use is from there, as the adaptive curve model states.
contract MovingCurve {
    int256 constant ONE = 1e18;
    int256 constant YEAR = 365 days;
    int256 constant LN2 = 0.693147180559945309e18;

    mapping(bytes32 => int256) public rateAtTarget;

    function borrowRateView(MarketParams memory params, Market memory market) external view returns (uint256 average) {
        (average,) = rates(keccak256(abi.encode(params)), market);
    }

    function borrowRate(MarketParams memory params, Market memory market) external returns (uint256 average) {
        bytes32 id = keccak256(abi.encode(params));
        (average, rateAtTarget[id]) = rates(id, market);
    }

    function rates(bytes32 id, Market memory m) private view returns (uint256, int256) {
        int256 used = m.totalSupplyAssets == 0
            ? int256(0)
            : int256(uint256(m.totalBorrowAssets) * 1e18 / m.totalSupplyAssets);
        int256 off = (used - 0.9e18) * ONE / (used > 0.9e18 ? int256(0.1e18) : int256(0.9e18));
        int256 start = rateAtTarget[id];
        int256 average = 0.04e18 / YEAR;
        int256 end = average;
        if (start != 0) {
            average = end = start;
            int256 shift = (50e18 / YEAR * off / ONE) * int256(block.timestamp - m.lastUpdate);
            if (shift != 0) {
                end = moved(start, shift);
                average = (start + end + 2 * moved(start, shift / 2)) / 4;
            }
        }
        int256 slope = off < 0 ? ONE - ONE * ONE / 4e18 : int256(3e18);
        return (uint256((slope * off / ONE + ONE) * average / ONE), end);
    }

    function moved(int256 start, int256 shift) private pure returns (int256 rate) {
        rate = start * grown(shift) / ONE;
        if (rate < 0.001e18 / YEAR) return 0.001e18 / YEAR;
        if (rate > 2e18 / YEAR) return 2e18 / YEAR;
    }

    function grown(int256 x) private pure returns (int256) {
        if (x < -41.446531673892822312e18) return 0;
        if (x >= 93.859467695000404319e18) {
            return 57716089161558943949701069502944508345128422502756744429568;
        }
        int256 twos = (x + (x < 0 ? -(LN2 / 2) : LN2 / 2)) / LN2;
        int256 rest = x - twos * LN2;
        int256 part = ONE + rest + (rest * rest) / ONE / 2;
        return twos >= 0 ? part << uint256(twos) : part >> uint256(-twos);
    }
}
