"""Forms of what the API takes, at their limits."""

import pytest
from pydantic import ValidationError

from chainpoints.api.schemas.requests import NewPayment

pytestmark = pytest.mark.unit

PAYMENT = {"order": "ord_" + "0" * 32, "payer": "0x" + "ab" * 20, "valid_after": 0, "valid_before": 1}


@pytest.mark.parametrize("size", [1, 65, 1024])
def test_a_signature_has_up_to_1024_bytes(size: int) -> None:
    signature = "0x" + "1b" * size
    assert NewPayment.model_validate(PAYMENT | {"signature": signature}).signature == signature


@pytest.mark.parametrize("signature", ["", "0x", "0x1", "1b" * 65, "0x" + "1b" * 1025, "0x" + "1b" * 1024 + "1"])
def test_a_signature_of_another_form_or_size_is_refused(signature: str) -> None:
    with pytest.raises(ValidationError, match="signature"):
        NewPayment.model_validate(PAYMENT | {"signature": signature})
