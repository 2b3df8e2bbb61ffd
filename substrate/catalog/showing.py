"""How a user's text appears in a message: short, printable, with look-alike letters as code points.

Imports the standard library and the catalogue's secrets only.
"""

from __future__ import annotations

import unicodedata

from substrate.catalog.secrets import hidden

LONGEST = 80

# Letters that pass for ASCII in most fonts. NFKC finds full-width and styled ones by itself.
_CYRILLIC_CAPITALS = "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
_CYRILLIC = "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u0475\u04cf"
_GREEK = "\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u03a5\u0396\u03bf"
_LOOK_ALIKES = dict(
    zip(_CYRILLIC_CAPITALS + _CYRILLIC + _GREEK, "ABEKMHOPCTX" + "aeopcyxijsdqwvl" + "ABEHIKMNOPTXYZo", strict=True)
)


def shown(text: str) -> str:
    """A value for a message: secrets hidden, clipped, everything beyond printable ASCII escaped."""
    text = hidden(text)
    clipped = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    return "".join(letter if " " <= letter <= "~" else _escaped(letter) for letter in clipped)


def _escaped(letter: str) -> str:
    point = ord(letter)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def code_points(text: str) -> str | None:
    """A note that names the letters which are not what they seem; None for plain ASCII."""
    odd = dict.fromkeys(letter for letter in text if letter > "~")
    if not odd:
        return None
    return "; ".join(_described(letter) for letter in list(odd)[:4])


def _described(letter: str) -> str:
    name = unicodedata.name(letter, "an unnamed character")
    twin = ascii_twin(letter)
    return f"U+{ord(letter):04X} is {name}" + (f", which looks like `{twin}`" if twin else "")


def ascii_twin(letter: str) -> str | None:
    """The ASCII letter that `letter` passes for, if any."""
    twin = _LOOK_ALIKES.get(letter) or unicodedata.normalize("NFKC", letter)
    return twin if twin.isascii() and len(twin) == 1 and twin != letter else None


def to_ascii(text: str) -> str:
    """The text as it was probably meant: look-alikes replaced, other letters beyond ASCII and blanks around dropped."""
    return "".join(letter if letter.isascii() else ascii_twin(letter) or "" for letter in text).strip()
