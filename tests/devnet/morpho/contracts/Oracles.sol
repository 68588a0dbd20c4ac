// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// An oracle that says what it is told, or fails in the way it is told to.
contract ToldOracle {
    uint256 public told;
    uint8 public failure;

    constructor(uint256 first) {
        told = first;
    }

    function tell(uint256 next, uint8 how) external {
        told = next;
        failure = how;
    }

    function price() external view returns (uint256) {
        if (failure == 1) revert("oracle down");
        if (failure == 2) assembly { invalid() }
        if (failure == 3) assembly { return(0, 31) }
        return told;
    }
}

interface Answers {
    function decimals() external view returns (uint8);
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80);
}

/// A share of something whose exchange rate is told.
contract ToldVault {
    address public immutable asset;
    uint256 public rate;

    constructor(address inside, uint256 first) {
        asset = inside;
        rate = first;
    }

    function tell(uint256 next) external {
        rate = next;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        require(rate != 0, "no rate");
        return shares * rate / 1e18;
    }
}

/// A price made of up to four feeds and two vaults, with the getters of MorphoChainlinkOracleV2.
contract ComposedOracle {
    address public immutable BASE_VAULT;
    uint256 public immutable BASE_VAULT_CONVERSION_SAMPLE;
    address public immutable BASE_FEED_1;
    address public immutable BASE_FEED_2;
    address public immutable QUOTE_VAULT;
    uint256 public immutable QUOTE_VAULT_CONVERSION_SAMPLE;
    address public immutable QUOTE_FEED_1;
    address public immutable QUOTE_FEED_2;
    uint256 public immutable SCALE_FACTOR;

    constructor(address[2] memory vaults, uint256[2] memory samples, address[4] memory feeds, uint256[2] memory decimals) {
        BASE_VAULT = vaults[0];
        QUOTE_VAULT = vaults[1];
        BASE_VAULT_CONVERSION_SAMPLE = samples[0];
        QUOTE_VAULT_CONVERSION_SAMPLE = samples[1];
        BASE_FEED_1 = feeds[0];
        BASE_FEED_2 = feeds[1];
        QUOTE_FEED_1 = feeds[2];
        QUOTE_FEED_2 = feeds[3];
        uint256 up = 36 + decimals[1] + places(feeds[2]) + places(feeds[3]);
        uint256 down = decimals[0] + places(feeds[0]) + places(feeds[1]);
        SCALE_FACTOR = 10 ** (up - down) * samples[1] / samples[0];
    }

    function price() external view returns (uint256) {
        uint256 over = worth(BASE_VAULT, BASE_VAULT_CONVERSION_SAMPLE) * answer(BASE_FEED_1) * answer(BASE_FEED_2);
        uint256 under = worth(QUOTE_VAULT, QUOTE_VAULT_CONVERSION_SAMPLE) * answer(QUOTE_FEED_1) * answer(QUOTE_FEED_2);
        return SCALE_FACTOR * over / under;
    }

    function worth(address vault, uint256 sample) private view returns (uint256) {
        return vault == address(0) ? 1 : ToldVault(vault).convertToAssets(sample);
    }

    function answer(address feed) private view returns (uint256) {
        if (feed == address(0)) return 1;
        (, int256 told,,,) = Answers(feed).latestRoundData();
        require(told >= 0, "negative");
        return uint256(told);
    }

    function places(address feed) private view returns (uint256) {
        return feed == address(0) ? 0 : Answers(feed).decimals();
    }
}
