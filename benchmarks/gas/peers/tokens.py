"""OpenZeppelin's and Solady's tokens, out of the packages that this project is built with."""

from __future__ import annotations

from pathlib import Path

import solcx
from eth_utils.crypto import keccak

from benchmarks.gas.chain import Chain, address_of, private_key
from benchmarks.gas.eip3009 import FUNCTION, signed_transfer
from benchmarks.gas.peers.packages import artifact
from benchmarks.gas.peers.site import Site
from benchmarks.gas.snapshot import Gas
from chainpoints.chain.compiler import SETTINGS, Artifact, project_root, solc_executable

_AMOUNT = 4_990_000
_UNTIL = 2**40 - 1
_NFT = 2**200


def compile_tokens() -> dict[str, Artifact]:
    """The contracts of Tokens.sol by name, compiled as ours are."""
    root = project_root()
    name = Path(__file__).with_name("Tokens.sol").relative_to(root).as_posix()
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {name: {"content": (root / name).read_text()}},
            "settings": SETTINGS | {"outputSelection": {name: {"*": ["abi", "evm.bytecode.object"]}}},
        },
        base_path=str(root),
        allow_paths=[str(root)],
        solc_binary=solc_executable(root),
    )
    compiled = output["contracts"][name].items()
    return {key: artifact(key, value["abi"], value["evm"]["bytecode"]["object"]) for key, value in compiled}


def measure_openzeppelin(chain: Chain, tokens: dict[str, Artifact]) -> Gas:
    site = Site(chain)
    gas = _measure_token(site, tokens["OpenZeppelinErc20"]) | _measure_nft(site, tokens["OpenZeppelinNft"])
    return gas | {"token_transfer_relayed": _transfer_relayed(site, tokens["OpenZeppelinErc3009"])}


def measure_solady(chain: Chain, tokens: dict[str, Artifact]) -> Gas:
    site = Site(chain)
    return _measure_token(site, tokens["SoladyErc20"]) | _measure_nft(site, tokens["SoladyNft"])


def _measure_token(site: Site, token: Artifact) -> Gas:
    """Between two holders."""
    _endow(site, token)
    return {"token_transfer": site.send(address_of("alice"), token.name, "transfer", address_of("bob"), _AMOUNT)}


def _transfer_relayed(site: Site, token: Artifact) -> int:
    """As above, signed by the holder (EIP-3009) and sent by another."""
    _endow(site, token)
    transfer = (address_of("alice"), address_of("bob"), _AMOUNT, 0, _UNTIL, keccak(text="nonce"))
    arguments = signed_transfer("Token", site.address(token.name), transfer, private_key("alice"))
    return site.send(address_of("relayer"), token.name, FUNCTION, *arguments)


def _measure_nft(site: Site, nft: Artifact) -> Gas:
    """A mint and a transfer to a holder of another; the giver keeps one too."""
    site.add(nft)
    alice, bob = address_of("alice"), address_of("bob")
    for number, holder in enumerate((alice, bob, alice)):
        minted = site.send(address_of("deployer"), nft.name, "mint", holder, _NFT + number)
    transferred = site.send(alice, nft.name, "transferFrom", alice, bob, _NFT)
    return {"nft_mint": minted, "nft_transfer": transferred}


def _endow(site: Site, token: Artifact) -> None:
    site.add(token)
    for holder in ("alice", "bob"):
        site.send(address_of("deployer"), token.name, "mint", address_of(holder), 10**9)
