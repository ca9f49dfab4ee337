"""Every error that chainpoints raises on purpose, in one tree. `retryable`: the same call may succeed later.

ChainpointsError
├── ConfigError              settings, keystore or manifest are missing or contradict each other
├── InvalidInput             a value is not of its form; nothing was done
├── CompilerError            solc refused the contracts, or no solc could be found
├── DeploymentError          a plan and the chain disagree; nothing more was sent
├── ChainError
│   ├── RpcError             the node answered with an error, or not at all (retryable)
│   │   └── RangeTooLarge    it refused a question about so many blocks; it may answer one about fewer
│   ├── SignerError          the external signer is silent, lacks the key, or signed wrongly (retryable)
│   ├── InconsistentChain    an answer contradicts itself: logs against bloom, number against hash (retryable)
│   │   └── ProvidersDisagree  two endpoints tell different blocks: nothing is stored while they do
│   ├── ReorgBeyondFinality  the chain changed below what was final: the indexer stops, nothing is deleted
│   └── Reverted             a call would revert; carries the decoded error, its arguments and a sentence
├── StoreError
│   ├── NotFound             no such row
│   ├── Conflict             the row exists with another content
│   └── StoreUnavailable     the database cannot be reached, or is too busy (retryable)
├── RequestRefused           an API request that the rules refuse; carries the problem type and HTTP status
└── ApiProblem               the API answered the replay with a problem; in `replay/client`, which alone asks the API
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ChainpointsError(Exception):
    """The root. `str(error)` says what happened, why, and what to do."""

    retryable = False


class ConfigError(ChainpointsError):
    pass


class InvalidInput(ChainpointsError):
    pass


class CompilerError(ChainpointsError):
    pass


class DeploymentError(ChainpointsError):
    pass


class ChainError(ChainpointsError):
    pass


class RpcError(ChainError):
    """`method` failed with the node's `code` (0 when there was no answer); `data` is the node's own error data."""

    retryable = True

    def __init__(self, method: str, message: str, *, code: int = 0, data: Any = None) -> None:
        super().__init__(f"{method}: {message}")
        self.method, self.code, self.data = method, code, data


class SignerError(ChainError):
    retryable = True


class RangeTooLarge(RpcError):
    pass


class InconsistentChain(ChainError):
    retryable = True


class ProvidersDisagree(InconsistentChain):
    pass


class ReorgBeyondFinality(ChainError):
    """The block `number`, final and stored with `ours`, is now `theirs` on the chain."""

    def __init__(self, number: int, ours: str, theirs: str | None) -> None:
        super().__init__(
            f"block {number} was final as {ours} but the chain now has {theirs or 'no such block'}: the chain was "
            "reorganised below finality. Nothing was deleted. Check the RPC endpoint; if the chain really changed, "
            "run `chainpoints rebuild`."
        )
        self.number, self.ours, self.theirs = number, ours, theirs


class Reverted(ChainError):
    """A call would revert. `name` is the Solidity error (`ReleaseNode_Locked`), `args` its named arguments."""

    def __init__(self, name: str, arguments: Mapping[str, Any], data: str, sentence: str = "") -> None:
        shown = ", ".join(f"{key}={value}" for key, value in arguments.items())
        super().__init__(sentence or f"the chain would refuse this: {name}({shown})")
        self.name, self.arguments, self.data = name, dict(arguments), data


class StoreError(ChainpointsError):
    pass


class NotFound(StoreError):
    pass


class Conflict(StoreError):
    pass


class StoreUnavailable(StoreError):
    retryable = True


class RequestRefused(ChainpointsError):
    """An API request refused: `status` is the HTTP status, `kind` the last part of the problem's type URI."""

    def __init__(self, status: int, kind: str, detail: str, *, retryable: bool = False, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.members = status, kind, detail, members
        self.retryable = retryable
