// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// Code lent to an account while it opens its position: calls on its behalf, all or none.
contract Puppet {
    function play(address[] calldata targets, bytes[] calldata data) external {
        for (uint256 i = 0; i < targets.length; i++) {
            (bool success, bytes memory answer) = targets[i].call(data[i]);
            if (!success) {
                assembly {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
    }
}
