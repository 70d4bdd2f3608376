"""What may stand around the digits of one number: signs, currencies, scales, units, marks of doubt; the pattern of it all."""

import re
from collections.abc import Iterable

CODES = (
    "USD|EUR|GBP|JPY|CNY|CHF|AUD|CAD|NZD|INR|BRL|RUB|KRW|MXN|SEK|NOK|DKK|PLN|CZK|HUF|TRY|ZAR|SGD|HKD|THB|IDR|MYR|PHP"
    "|ILS|AED|SAR|EGP|NGN|KES|UAH|RON|BGN|ARS|CLP|COP|PEN|VND|TWD|PKR|BDT|ISK|RSD|GHS|MAD|QAR|KWD|LKR"
)
SIGNS = "$€£¥₹₽₩₺₴₫฿₦₱₪₡₲₵₸₼₾₿¢￥"
WORDS = r"(?i:euros?|dollars?|pounds?|yen|rs|kr|kč|zł|lei|руб|р|元|円)\.?|Fr\.|R|Ft"
CURRENCY = rf"(?:(?:US|AU|CA|NZ|HK|NT|A|C|S|R)?[{SIGNS}]|(?:{CODES})|{WORDS})"
SCALES = {
    "k": "e3", "K": "e3", "Tsd": "e3", "tsd": "e3", "M": "e6", "mn": "e6", "Mn": "e6", "mio": "e6", "Mio": "e6",
    "million": "e6", "millions": "e6", "thousand": "e3", "mln": "e6", "Mln": "e6", "trillion": "e12", "tn": "e12", "lakh": "e5", "lakhs": "e5", "crore": "e7", "crores": "e7", "mld": "e9", "Mld": "e9", "B": "e9", "bn": "e9", "Bn": "e9", "mrd": "e9", "Mrd": "e9", "billion": "e9",
}  # fmt: skip
UNIT = r"[^\W\d_]{1,12}[²³23]?(?:/[^\W\d_]{1,8}[²³23]?)?\.?|[°º]\s?[CFK]?|\"|''|/\s?[^\W\d_]{1,10}[²³]?|sq\.? ?[^\W\d_]{1,6}\.?|(?:/\s?|out of )(?:5|6|10|20|100)"
# What says that a number is not exact, is a bound or one of several, or has a footnote: it is taken off.
ABOUT = r"[~∼≈#]|(?i:approximately|approx|about|around|roughly|circa|ca|c|etwa|rund|no|nr)(?:\.|(?=\s))"  # "c4" is a code
BOUND, MORE = r"[<>]=?|[≤≥]", r"\+|\*{1,3}|[†‡]|\[[0-9a-z]{1,2}\]"
NO_CENTS = r"[.,][-−–—]{1,2}$"  # as in "46.-"
WRITTEN = re.compile(
    rf"(?P<about>(?:{ABOUT})?)\s*(?P<bound>(?:{BOUND})?)\s*(?P<first>[-−–+]?)\s*(?P<open>\(?)(?P<before>{CURRENCY}?)\s*(?P<second>[-−–+]?)(?P<inner>\(?)\s*"
    r"(?P<digits>[0-9][0-9.,'’_\s]*|[.,][0-9]+)(?P<power>(?:[eE][-+]?[0-9]+)?)\s*"
    rf"(?P<scale>(?:(?:{'|'.join(SCALES)})\.?(?![^\W\d_]))?)\s*(?P<percent>(?:[%‰]|percent|pct)?)\s*"
    rf"(?P<after>(?:{CURRENCY}(?![^\W\d_]))?)\s*(?P<unit>(?:{UNIT})?)(?P<close>\)?)(?P<last>[-−–—]{{0,2}})\s*(?P<more>(?:{MORE})?)"
)
SPACES = r"[\s'’_\u00a0\u202f]"  # also where a script's pandas takes \s for blanks of ASCII alone


def matched(values: Iterable[str]) -> dict[str, re.Match[str]]:
    """Those of these strings that are written as numbers are, each with its parts."""
    return {
        value: match for value in values if (match := WRITTEN.fullmatch(value.strip())) and balanced(match)
    }


def balanced(match: re.Match[str]) -> bool:
    """Whether parentheses are closed, and there is one sign at most."""
    opened = bool(match["open"]) + bool(match["inner"])
    signs = bool(match["first"]) + bool(match["second"]) + negative(match)
    return opened == bool(match["close"]) and opened + signs <= 1


def negative(match: re.Match[str]) -> bool:
    """Whether a sign stands behind the number; one behind its mark stands for no cents."""
    return bool(match["last"]) and match["digits"].rstrip()[-1] not in ".,"


def currency(match: re.Match[str]) -> str:
    """The currency of a number, "" where none is named."""
    return (match["before"] or match["after"]).strip(".").lower()


def unit(match: re.Match[str]) -> str:
    """The unit of a number, the same for one and for several; "" where none is named."""
    name = match["unit"].strip(" ./").lower()
    return name[:-1] if len(name) > 3 and name.endswith("s") else name
