"""Random points that are moved, allowed and kept back by signature, in both of its forms: EIP-2612 and EIP-3009."""

from __future__ import annotations

from typing import Any

from choices import Choices
from deployment import Act, Deployment

import messages
from chainpoints.chain.signatures import permit_typed_data
from chainpoints.types import ZERO_ADDRESS, Address, Points
from twin import Authorization

PERMIT = "address,address,uint256,uint256"
TRANSFER = "address,address,uint256,uint256,uint256,bytes32"
CANCEL = "address,bytes32"


class SignedPoints(Choices):
    def __init__(self, system: Deployment, seed: int) -> None:
        super().__init__(system, seed)
        self.sent: list[Act] = []

    def permit(self) -> Act:
        owner, spender = self.person(), self.anybody()
        given = (owner, spender, self.value(owner), self.moment())
        nonce, signer = self.twin.nonces[owner] + self.seldom(), self.signer_for(owner)
        message = permit_typed_data(self.system.manifest, owner, spender, Points(given[2]), nonce, given[3])
        name, signed = self.in_a_form(f"permit({PERMIT}", self.system.sign(signer, message))
        return self.kept(Act("PointsToken", name, (*given, *signed), self.stranger, "permit", (*given, nonce, signer)))

    def transfer_authorized(self) -> Act:
        return self.authorized_transfer("transfer", self.anybody(), self.stranger)

    def receive_authorized(self) -> Act:
        """By its receiver, or seldom by somebody else."""
        to = self.anybody()
        return self.authorized_transfer("receive", to, self.who_can(to))

    def cancel_authorization(self) -> Act:
        given = self.authorization()
        signer = self.signer_for(given[0])
        message = messages.cancelling(self.system.manifest, *given)
        name, signed = self.in_a_form(f"cancelAuthorization({CANCEL}", self.system.sign(signer, message))
        return self.kept(
            Act("PointsToken", name, (*given, *signed), self.stranger, "cancel_authorization", (*given, signer))
        )

    def send_again(self) -> Act | None:
        """What was signed, as it was sent before."""
        return self.chance.choice(self.sent) if self.sent else None

    def authorized_transfer(self, kind: str, to: Address, sender: Address) -> Act:
        """Seldom with what was signed for the other kind, which counts as nobody's signature."""
        (holder, nonce), times = self.authorization(), self.times()
        terms, signer = (holder, to, self.value(holder)), self.signer_for(holder)
        signed_kind = self.one_of("transfer", "receive") if self.seldom() else kind
        message = messages.transfer(self.system.manifest, signed_kind, *terms, times, nonce)
        name, signed = self.in_a_form(f"{kind}WithAuthorization({TRANSFER}", self.system.sign(signer, message))
        authorization = Authorization(*times, signer if signed_kind == kind else ZERO_ADDRESS)
        arguments = (*terms, nonce, authorization, *([sender] if kind == "receive" else []))
        given = (*terms, *times, nonce, *signed)
        return self.kept(Act("PointsToken", name, given, sender, f"{kind}_authorized", arguments))

    def authorization(self) -> tuple[Address, bytes]:
        """Whose, and its nonce: seldom one that counts no more, or the same number of somebody else."""
        if self.twin.authorizations and self.chance.random() < 0.2:
            holder, nonce = self.chance.choice(sorted(self.twin.authorizations))
            return self.one_of(holder, self.person()), nonce
        return self.person(), self.chance.randbytes(32)

    def value(self, holder: Address) -> int:
        return 2**256 - 1 if self.seldom() else self.amount(self.twin.balances[holder])

    def signer_for(self, holder: Address) -> Address:
        return self.person() if self.seldom() else holder

    def in_a_form(self, head: str, signature: bytes) -> tuple[str, tuple[Any, ...]]:
        """The function, and the signature as its last arguments: 65 bytes, or v, r and s."""
        if self.chance.random() < 0.5:
            return f"{head},bytes)", (signature,)
        return f"{head},uint8,bytes32,bytes32)", (signature[64], signature[:32], signature[32:64])

    def kept(self, act: Act) -> Act:
        self.sent.append(act)
        return act
