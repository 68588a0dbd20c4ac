// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// Prices as a test tells them, by cToken or token; zero where none was told, reverting where it was told so.
contract ToldPrices {
    mapping(address => uint256) public told;
    mapping(address => bool) public broken;

    function tell(address asset, uint256 price) external {
        told[asset] = price;
    }

    function breakDown(address asset, bool isBroken) external {
        broken[asset] = isBroken;
    }

    function getUnderlyingPrice(address asset) public view returns (uint256) {
        require(!broken[asset], "no price");
        return told[asset];
    }

    function getPrice(address asset) external view returns (uint256) {
        return getUnderlyingPrice(asset);
    }

    function updatePrice(address) external {}

    function updateAssetPrice(address) external {}

    /// The oracle of Venus core that bounds deviations, here without any.
    function getBoundedPricesView(address asset) external view returns (uint256, uint256) {
        return (getUnderlyingPrice(asset), getUnderlyingPrice(asset));
    }

    function getBoundedPrices(address asset) external view returns (uint256, uint256) {
        return (getUnderlyingPrice(asset), getUnderlyingPrice(asset));
    }

    function updateProtectionState(address) external {}
}

/// Says yes to whoever asks, and keeps nothing of what it is told.
contract Agreeable {
    fallback() external payable {
        assembly {
            mstore(0, 1)
            return(0, 32)
        }
    }
}
