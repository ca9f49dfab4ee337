"""Whether an endpoint refused a question about logs because it was too large: too many blocks, results or bytes.

There is no code for it that providers agree on: they are known by their words. Numbers and hints in them are not
used, as some are wrong.
"""

from __future__ import annotations

import re

_TOO_LARGE_BODY = 413  # HTTP
_RANGE = r"(block )?ranges?"
_WORDS = re.compile(
    "|".join(
        (
            rf"{_RANGE} (is )?(too (large|wide|big)|limit exceeded|exceeds)",  # Ankr, Chainstack, Base
            rf"exceed(s|ed)? (the )?max(imum)? ({_RANGE}|results|logs|response)",  # geth, reth, BSC, llamarpc
            rf"exceeds server limit|max(imum)? {_RANGE}\b",  # Cloudflare: "Max range: 800"
            rf"limited to (a |an )?[\d,.]+k? (blocks? )?({_RANGE}|blocks|results|logs)",  # QuickNode, Blast
            rf"{_RANGE} (over|of more than|greater than|larger than) ",  # dRPC
            r"(returned|returns) more than [\d,.]+k? (results|logs)",  # Infura, zkSync
            r"too many (blocks|results|logs)",  # Avalanche
            r"response (size )?(is )?(too (large|big)|(should not )?exceed)",  # Alchemy, Optimism, reth
        )
    ),
    re.IGNORECASE,
)


def is_too_large(code: int, words: str) -> bool:
    """Whether an error, by its code (or HTTP status) and words, says that a smaller range would have been answered."""
    return code == _TOO_LARGE_BODY or _WORDS.search(words) is not None
