// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// A price of eight decimals as a test tells it, for markets and collaterals alike; the same over every interval.
contract CurieFeed {
    uint8 public constant decimals = 8;
    uint256 public price;
    bool public broken;

    constructor(uint256 price_) {
        price = price_;
    }

    function tell(uint256 price_) external {
        price = price_;
    }

    function breakDown(bool isBroken) external {
        broken = isBroken;
    }

    function getPrice(uint256) public view returns (uint256) {
        require(!broken, "no price");
        return price;
    }

    function getDispatchedPrice(uint256 interval) external view returns (uint256) {
        return getPrice(interval);
    }

    function dispatchPrice(uint256) external {}
}
