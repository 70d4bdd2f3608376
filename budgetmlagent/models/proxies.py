"""Which variable of the environment names the proxy before an address, and whether it can be used."""

import ipaddress
import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import proxy_bypass


@dataclass(frozen=True)
class Proxy:
    """A proxy that a variable names. Its address may hold a password: only `shown` is for people."""

    variable: str
    address: str = field(repr=False)

    @property
    def is_socks(self) -> bool:
        """Whether it is one that takes a package more."""
        return self.address.lower().startswith("socks")

    @property
    def fault(self) -> str:
        """Why no client can use it, and what to do, without the address; "" where one can."""
        if not self._is_address():
            return f"{self.variable} holds no address of a proxy: correct it (http://host:port), or unset it"
        if self.is_socks and find_spec("socksio") is None:
            return f"{self.variable} names a SOCKS proxy, which needs a package more: pip install 'httpx2[socks]', or unset it"
        return ""

    @property
    def shown(self) -> str:
        """The address without name and password, and the variable it is from."""
        if not self._is_address():
            return self.variable
        parts = urlsplit(self._with_scheme())
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port} ({self.variable})"

    def _with_scheme(self) -> str:
        return self.address if "://" in self.address else f"http://{self.address}"

    def _is_address(self) -> bool:
        import httpx2

        try:
            httpx2.Proxy(self._with_scheme())
            return bool(urlsplit(self._with_scheme()).hostname)
        except (httpx2.InvalidURL, ValueError):
            return False


def named() -> list[Proxy]:
    """All proxies that the environment names; a variable in small letters, even empty, stands for the one in capitals."""
    found = [_of(scheme) for scheme in ("http", "https", "all")]
    return [proxy for proxy in found if proxy]


def proxy_for(url: str) -> Proxy | None:
    """The proxy that a request to `url` goes through; None where it goes straight: to this machine, or as NO_PROXY says."""
    parts = urlsplit(url)
    where = parts.hostname or ""
    if is_local(where) or proxy_bypass(where):
        return None
    return _of(parts.scheme) or _of("all")


def is_local(host: str) -> bool:
    """Whether what is sent to `host` stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of(scheme: str) -> Proxy | None:
    small = f"{scheme}_proxy"
    variable = small if small in os.environ else small.upper()
    address = os.environ.get(variable, "").strip()
    return Proxy(variable, address) if address else None
