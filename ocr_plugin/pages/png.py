"""PNG files, without what is not needed of them."""

import struct

_TEXTS = (b"iCCP", b"iTXt", b"zTXt", b"tEXt")
# They may tell how the picture is turned.
_KEPT = (b"Raw profile type exif", b"XML:com.adobe.xmp")
_LONGEST_KEPT = 1 << 16
# Length, kind and checksum of a chunk.
_FRAME = 12


def without_texts(data: bytes) -> bytes:
    """Returns a PNG file without colour profiles and texts, which Pillow limits to 1 MB each.

    Scanners write larger profiles, and some programs their whole settings. What tells the
    orientation is kept.
    """
    kept, start, place = [], 0, 8
    while place + _FRAME <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + _FRAME + length
        if kind in _TEXTS and not (length <= _LONGEST_KEPT and data.startswith(_KEPT, place + 8)):
            kept.append(data[start:place])
            start = end
        place = end
    return b"".join([*kept, data[start:]]) if kept else data
