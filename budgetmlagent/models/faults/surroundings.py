"""Which variable of the environment keeps a client from being built, before anything is sent."""

import os
from pathlib import Path

import httpx2

PROXIES = ("http_proxy", "https_proxy", "all_proxy")  # or in capitals, which yield to these
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def environment_fault(error: BaseException) -> str | None:
    """One line that names the variable, never its value, which may hold a password; None where none is to blame."""
    if isinstance(error, ImportError) and "socks" in str(error).lower():
        name = next((name for name, url in _proxies() if url.lower().startswith("socks")), "the environment")
        return f"{name} names a SOCKS proxy, which needs a package more: pip install 'httpx2[socks]', or unset it"
    of_proxy = isinstance(error, ValueError) and "proxy" in str(error).lower()
    if of_proxy or type(error).__name__ == "InvalidURL":  # httpx', or httpx2's
        for name, url in _proxies():
            if not _is_usable(url):
                return f"{name} holds no address of a proxy: correct it (http://host:port), or unset it"
    if isinstance(error, OSError):
        for name in CERTIFICATES:
            if (path := os.environ.get(name)) and not Path(path).exists():
                return f"{name} names certificates that are not there: correct it, or unset it"
    return None


def _proxies() -> list[tuple[str, str]]:
    """The variables that name a proxy, and their values."""
    both = [name for small in PROXIES for name in (small, small.upper())]
    return [(name, os.environ[name]) for name in both if os.environ.get(name)]


def _is_usable(url: str) -> bool:
    try:
        httpx2.Proxy(url if "://" in url else f"http://{url}")
    except (httpx2.InvalidURL, ValueError):
        return False
    return True
