"""One account that sends: its address, and its signatures under given nonces and fees."""

from __future__ import annotations

from chainpoints.chain.signer import TransactionSigner
from chainpoints.relayer.fees import Fees
from chainpoints.relayer.kinds import Call
from chainpoints.store.relay_transactions import Attempt

CANCEL_GAS = 21_000


class Sender:
    """A signer on one chain."""

    def __init__(self, signer: TransactionSigner, chain_id: int) -> None:
        self._signer, self._chain_id = signer, chain_id
        self.address = signer.address

    def attempt(self, nonce: int, call: Call, gas: int, fees: Fees) -> Attempt:
        """Signed bytes of an EIP-1559 transaction. Never inside a store's transaction: the key may be far away."""
        raw, transaction_hash = self._signer.sign_transaction(
            {
                "type": 2,
                "chainId": self._chain_id,
                "nonce": nonce,
                "to": call.to,
                "value": 0,
                "data": call.data,
                "gas": gas,
                "maxFeePerGas": fees.max_fee,
                "maxPriorityFeePerGas": fees.priority_fee,
            }
        )
        return Attempt(transaction_hash, raw, fees.max_fee, fees.priority_fee, gas)

    def cancel(self, nonce: int, fees: Fees) -> Attempt:
        """A no-op that fills a nonce: nothing, sent to itself."""
        return self.attempt(nonce, Call(self.address, "0x"), CANCEL_GAS, fees)
