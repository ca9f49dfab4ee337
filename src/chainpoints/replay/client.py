"""A small client of the gateway's HTTP API: idempotent writes, retried when the gateway does not answer."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3

from chainpoints.errors import ChainpointsError, ConfigError

_RETRY_SECONDS = 60.0
_NO_GATEWAY = "what answers at {} is no chainpoints gateway; end it, or set CHAINPOINTS_PORT to the gateway's port"


class ApiProblem(ChainpointsError):
    """The gateway refused a request; `problem` is its RFC 9457 answer."""

    def __init__(self, method: str, path: str, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{method} {path} answered {status}: {problem.get('title')}: {problem.get('detail')}")
        self.status, self.problem = status, problem

    @property
    def kind(self) -> str:
        """The last part of the problem's type, such as `zero-amount`."""
        return str(self.problem.get("type", "")).rpartition("/")[2]


def require_gateway(base_url: str, chain: str) -> None:
    """Asks for the status, without any key. Raises ConfigError unless a gateway of that chain (CAIP-2) answers.

    A gateway that cannot answer yet is given time.
    """
    give_up_at = time.monotonic() + _RETRY_SECONDS
    while True:
        try:
            response = urllib3.request("GET", f"{base_url}/v1/status", timeout=5, retries=False, redirect=False)
        except urllib3.exceptions.NewConnectionError:
            raise ConfigError(f"no gateway answers at {base_url}; start it with `make run`") from None
        except urllib3.exceptions.HTTPError:
            raise ConfigError(_NO_GATEWAY.format(base_url)) from None
        answer = _decoded(response.data, base_url)
        if response.status not in (429, 503) or time.monotonic() > give_up_at:
            break
        time.sleep(0.2)
    if str(answer.get("type", "")).startswith("/problems/"):
        raise ConfigError(f"the gateway at {base_url} answers {response.status}: {answer.get('detail')}")
    read_at = answer.get("read_at")
    if not isinstance(read_at, dict) or "chain" not in read_at:
        raise ConfigError(_NO_GATEWAY.format(base_url))
    if read_at["chain"] != chain:
        raise ConfigError(
            f"the gateway at {base_url} is of chain {read_at['chain']}, not {chain}; set CHAINPOINTS_PORT to another's"
        )


def _decoded(content: bytes, base_url: str) -> dict[str, Any]:
    """Raises ConfigError for what no gateway would answer."""
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise ConfigError(_NO_GATEWAY.format(base_url)) from None


class ApiClient:
    """One caller of the API, with or without a key. Every write carries the Idempotency-Key given by the caller."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        self._base_url = base_url
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = urllib3.PoolManager(maxsize=1, timeout=30, retries=False)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return self._send("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, idempotency_key: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"idempotency-key": idempotency_key, "content-type": "application/json"}
        return self._send("POST", path, headers, msgspec.json.encode(body))

    def delete(self, path: str) -> dict[str, Any]:
        return self._send("DELETE", path)

    def close(self) -> None:
        self._http.clear()

    def _send(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> dict[str, Any]:
        give_up_at = time.monotonic() + _RETRY_SECONDS
        while True:
            try:
                response = self._http.request(
                    method, self._base_url + path, headers=self._headers | (headers or {}), body=body
                )
            except urllib3.exceptions.HTTPError as error:
                if time.monotonic() > give_up_at:
                    raise ChainpointsError(
                        f"the gateway at {self._base_url} does not answer ({type(error).__name__})"
                    ) from None
                time.sleep(0.1)
                continue
            if response.status in (429, 503) and time.monotonic() < give_up_at:
                time.sleep(float(response.headers.get("retry-after", "0.2")))
                continue
            answer = _decoded(response.data, self._base_url) if response.data else {}
            if response.status >= 400:
                raise ApiProblem(method, path, response.status, answer)
            return answer
