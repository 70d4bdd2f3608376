"""Which variable of the environment keeps a client from being built, or stands before a model, and may not be usable."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.request import proxy_bypass

from budgetmlagent.models.config import ModelSpec, is_loopback
from budgetmlagent.models.proxies import Proxy, named, proxy_for

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def environment_fault(error: BaseException) -> str | None:
    """One line that names the variable, never its value, which may hold a password; None where none is to blame."""
    of_socks = isinstance(error, ImportError) and "socks" in str(error).lower()
    of_proxy = isinstance(error, ValueError) and "proxy" in str(error).lower()
    if (of_socks or of_proxy or type(error).__name__ == "InvalidURL") and (
        fault := _fault()
    ):  # httpx', or httpx2's
        return fault
    if isinstance(error, OSError):
        for name in CERTIFICATES:
            if (path := os.environ.get(name)) and not Path(path).exists():
                return f"{name} names certificates that are not there: correct it, or unset it"
    return None


def unusable(spec: ModelSpec) -> str:
    """Why no request to an endpoint could be made, "" where none is known; a client reads all variables, needed or not."""
    return "" if is_loopback(spec) or spec.chat or proxy_bypass("") else _fault()


def _fault() -> str:
    return next((proxy.fault for proxy in named() if proxy.fault), "")


def proxy_before(spec: ModelSpec) -> Proxy | None:
    """The proxy that requests to a model go through, None where they go straight."""
    if is_loopback(spec):  # an embedded one has no address
        return None
    own = spec.params.get("base_url") if spec.chat else spec.base_url
    return proxy_for(own if isinstance(own, str) else "https://")


def shown_proxies(specs: Iterable[ModelSpec]) -> list[str]:
    """The proxies before these models, each once, as people may see them."""
    return list(dict.fromkeys(proxy.shown for spec in specs if (proxy := proxy_before(spec))))
