// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// Until when nobody may be liquidated, by token.
contract GraceSentinel {
    event GracePeriodSet(address indexed asset, uint40 until);

    mapping(address => uint40) public gracePeriodUntil;

    function setGracePeriods(address[] calldata assets, uint40[] calldata until) external {
        for (uint256 i = 0; i < assets.length; i++) {
            gracePeriodUntil[assets[i]] = until[i];
            emit GracePeriodSet(assets[i], until[i]);
        }
    }
}

/// A collateral manager that first asks a sentinel, and has the package's own do the rest in the pool's storage.
contract GracefulManager {
    GraceSentinel public immutable LIQUIDATIONS_GRACE_SENTINEL;
    address internal immutable inner;

    constructor(GraceSentinel sentinel, address inner_) {
        LIQUIDATIONS_GRACE_SENTINEL = sentinel;
        inner = inner_;
    }

    function liquidationCall(address collateral, address debt, address, uint256, bool)
        external
        returns (uint256, string memory)
    {
        GraceSentinel sentinel = LIQUIDATIONS_GRACE_SENTINEL;
        bool isInGrace = sentinel.gracePeriodUntil(collateral) >= uint40(block.timestamp)
            || sentinel.gracePeriodUntil(debt) >= uint40(block.timestamp);
        if (isInGrace) return (1, "grace period");
        (bool success, bytes memory answer) = inner.delegatecall(msg.data);
        require(success, "inner");
        return abi.decode(answer, (uint256, string));
    }
}
