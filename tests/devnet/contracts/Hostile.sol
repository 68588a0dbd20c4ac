// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// A working ERC-20 whose `symbol` and `name` do what the heirs say.
abstract contract HostileToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;

    function symbol() external view virtual;

    function name() external view {
        this.symbol();
    }

    function decimals() external view virtual returns (uint8) {
        return 18;
    }

    function allowance(address, address) external pure returns (uint256) {
        return type(uint256).max;
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return transferFrom(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) public returns (bool) {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }

    function answer(bytes memory text) internal pure {
        bytes memory encoded = abi.encode(text);
        assembly {
            return(add(encoded, 32), mload(encoded))
        }
    }
}

contract RevertingSymbol is HostileToken {
    function symbol() external pure override {
        revert("no symbol for you");
    }
}

/// Burns all gas it is given.
contract InvalidOpcodeSymbol is HostileToken {
    function symbol() external pure override {
        assembly {
            invalid()
        }
    }
}

contract EndlessSymbol is HostileToken {
    function symbol() external pure override {
        while (true) {}
    }
}

/// Answers with two megabytes of zero bytes.
contract HugeSymbol is HostileToken {
    function symbol() external pure override {
        assembly {
            return(0, 2097152)
        }
    }
}

/// The form of the earliest tokens: `bytes32` instead of `string`.
contract Bytes32Symbol is HostileToken {
    function symbol() external pure override {
        assembly {
            mstore(0, "MKR")
            return(0, 32)
        }
    }
}

/// Answers with no bytes at all.
contract SilentSymbol is HostileToken {
    function symbol() external pure override {}
}

contract EmptySymbol is HostileToken {
    function symbol() external pure override {
        answer("");
    }
}

contract NonUtf8Symbol is HostileToken {
    function symbol() external pure override {
        answer(hex"ff00fec3");
    }
}

/// A string whose offset points beyond any memory.
contract PointerBombSymbol is HostileToken {
    function symbol() external pure override {
        assembly {
            mstore(0, not(0))
            mstore(32, not(0))
            return(0, 64)
        }
    }
}

/// A spreadsheet formula, an HTML tag, a newline and a right-to-left override.
contract MarkupSymbol is HostileToken {
    function symbol() external pure override {
        answer(unicode"=HYPERLINK(\"x\")<b>\n\u202e");
    }
}

contract LongSymbol is HostileToken {
    function symbol() external pure override {
        bytes memory text = new bytes(10000);
        for (uint256 i = 0; i < text.length; i++) text[i] = "A";
        answer(text);
    }
}

contract Decimals77 is HostileToken {
    function symbol() external pure override {
        answer("D77");
    }

    function decimals() external pure override returns (uint8) {
        return 77;
    }
}

/// Asks the reader to fetch an address of its choice (EIP-3668).
contract OffchainLookupSymbol is HostileToken {
    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData);

    function symbol() external view override {
        string[] memory urls = new string[](1);
        urls[0] = "http://127.0.0.1:1/{sender}/{data}";
        revert OffchainLookup(address(this), urls, hex"01", bytes4(0x01020304), hex"02");
    }
}
