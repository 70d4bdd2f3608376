"""The text of a file whose encoding nobody says: UTF-8, UTF-16, or the one in which its words look like words."""

import codecs
import itertools
import re
from collections.abc import Sequence

from budgetmlagent.errors import UsageError

MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# The likelier ones first: where several read the words equally well, the first one is taken.
NAMES = {
    "cp1252": "Windows-1252", "mac_roman": "Mac Roman", "cp850": "DOS 850", "cp1250": "Windows-1250", "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R", "cp1253": "Windows-1253", "cp1254": "Windows-1254", "cp932": "Shift JIS", "gb18030": "GB 18030", "euc_kr": "EUC-KR",
    "big5": "Big5", "euc_jp": "EUC-JP",
}  # fmt: skip
# What most letters are in encodings that make signs of nearly all bytes.
USUAL = {
    "cp932": "[\u3040-\u30ff]",
    "euc_jp": "[\u3040-\u30ff]",
    "euc_kr": "[\uac00-\ud7af]",
    "gb18030": "[、。]",
    "big5": "[、。]",
}
UNSURE = 0.05
MOSTLY = 3  # letters of UTF-8 for each one that is none, from which on a file is UTF-8 with faults
LOOKED_AT = 20_000  # words with letters beyond ASCII
ODD_MOST = 0.34  # share of the letters beyond ASCII that may look odd
LETTER = r"[^\W\d_]"
LATIN = r"[A-Za-z\u00c0-\u024f]"
ODD = re.compile(
    rf"(?<={LETTER})[^\x00-\x7f\w\s’‘“”«»–—…°²³%€£ªº·](?={LETTER})"  # a sign within a word
    r"|(?<=[a-zà-öø-ÿ])[^\W\d_a-zà-öø-ÿ](?<=[À-ÖØ-ÞŠŽŸŒ])"  # a large letter behind a small one
    r"|(?<=[A-Za-z])[\u0370-\u03ff\u0400-\u04ff\u0e00-\uffff]|[\u0370-\u03ff\u0400-\u04ff](?=[A-Za-z])"  # other scripts in a word
    r"|[\u00c0-\u024f]{3,}|[\u0080-\u009f\ue000-\uf8ff\u2500-\u259f◊ﬁﬂıˆ˜˘˙˚˝˛ˇΩ∑∏∫√∂∆¤¦¬¨¸¯]"
    r"|[ŸÿþðÞÐ×÷](?=[a-z])|(?<=[a-z])[ŠŽŒ]|(?<![^\W_])[Á-Þ](?![^\W_])|(?<=[α-ώ])[Α-Ϋ]|(?<=[Α-Ϋ])[α-ώ](?=[Α-Ϋ])"
    r"|[\u0400-\u042f](?<=[\u0430-\u044f].)|[\u0400-\u040f\u0450-\u045f]"
)


def decoded(content: bytes, said: str = "", cure: str = "save it as UTF-8") -> tuple[str, list[str]]:
    """The text of a file's content, and what a user should know of how it was read, with the `cure` of a wrong guess.

    `said` is the encoding's name, "" where it is judged. Raises UsageError.
    """
    if said:
        return _said(content, said), []
    for mark, name in MARKS:
        if content.startswith(mark):
            try:
                return content.decode(name).removeprefix("\ufeff"), [
                    f"the file is read as {name.upper()}"
                ] * (name != "utf-8")
            except UnicodeDecodeError as error:
                if name != "utf-8":
                    raise UsageError(
                        f"is no text in {name.upper()} (byte {error.start}); save it as UTF-8"
                    ) from None
    if wide := _utf16(content):
        return content.decode(wide, errors="surrogatepass"), ["the file is read as UTF-16"]
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError as error:
        place = error.start
    line = content.count(b"\n", 0, place) + 1
    most = content.decode("utf-8", errors="replace")
    broken, whole = most.count("\ufffd"), sum(letter > "\x7f" for letter in most)
    if whole - broken > MOSTLY * broken:
        more = f", nor {broken - 1} more" if broken > 1 else ""
        raise UsageError(f"is UTF-8, but not byte {place} in line {line}{more}; correct it")
    name = _likeliest(content)
    if not name:
        raise UsageError(
            f"is not UTF-8 (byte {place}, line {line}), and no other encoding makes words of it; {cure}"
        )
    note = f"the file is not UTF-8 (byte {place}): read as {NAMES[name]}; if letters look wrong, {cure}"
    return content.decode(name), [note]


def _said(content: bytes, name: str) -> str:
    try:
        return content.decode(name).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"is not {name} (byte {error.start}, line {line}); give another --encoding, or none"
        ) from None
    except UnicodeError:  # "punycode" does not say where
        raise UsageError(f"is not {name}; give another --encoding, or none") from None


def _utf16(content: bytes) -> str:
    start = content[:10_000]
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if (
            len(content) % 2 == 0
            and start[first::2].count(0) > 0.6 * len(start[first::2])
            and not start[1 - first :: 2].count(0)
        ):
            return name
    return ""


def _likeliest(content: bytes) -> str:
    """The encoding whose letters beyond ASCII stand where letters stand, "" where none is likely."""
    words = re.finditer(rb"[^\s,;|\t]*[\x80-\xff][^\s,;|\t]*", content)
    sample = b"\n".join(word[0] for word in itertools.islice(words, LOOKED_AT))
    odd = {
        name: share for name in NAMES if (share := _odd(sample, name)) <= ODD_MOST and _decodes(content, name)
    }
    return min(odd, key=odd.__getitem__, default="")


def _decodes(content: bytes, name: str) -> bool:
    try:
        content.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _odd(sample: bytes, name: str) -> float:
    """The share of what is not ASCII that no word has there, 1.0 where the bytes are none of this encoding."""
    try:
        text = sample.decode(name)
    except UnicodeDecodeError:
        return 1.0
    beyond = [letter for letter in text if letter > "\x7f"]
    if not beyond:
        return 1.0
    odd: Sequence[str] = ODD.findall(text)
    usual = {letter for letter in beyond if re.match(USUAL.get(name, "."), letter)}
    strange = sum(letter not in usual for letter in beyond) / len(beyond)
    return sum(max(1, len(found)) for found in odd) / len(beyond) + UNSURE * min(1.0, strange)
