// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20 as OpenZeppelinERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {ERC721 as OpenZeppelinERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ERC20 as SoladyERC20} from "solady/tokens/ERC20.sol";
import {ERC721 as SoladyERC721} from "solady/tokens/ERC721.sol";

/// @dev The libraries' own tokens with nothing added but a way to mint.
contract OpenZeppelinErc20 is OpenZeppelinERC20 {
    constructor() OpenZeppelinERC20("Token", "TKN") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

contract OpenZeppelinErc3009 is ERC3009 {
    constructor() OpenZeppelinERC20("Token", "TKN") EIP712("Token", "1") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

contract SoladyErc20 is SoladyERC20 {
    function name() public pure override returns (string memory) {
        return "Token";
    }

    function symbol() public pure override returns (string memory) {
        return "TKN";
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

contract OpenZeppelinNft is OpenZeppelinERC721 {
    constructor() OpenZeppelinERC721("Nft", "NFT") {}

    function mint(address to, uint256 id) external {
        _mint(to, id);
    }
}

contract SoladyNft is SoladyERC721 {
    function name() public pure override returns (string memory) {
        return "Nft";
    }

    function symbol() public pure override returns (string memory) {
        return "NFT";
    }

    function tokenURI(uint256) public pure override returns (string memory) {
        return "";
    }

    function mint(address to, uint256 id) external {
        _mint(to, id);
    }
}
