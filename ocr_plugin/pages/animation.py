"""How many frames a file has, counted no further than anybody wants to know."""

from collections.abc import Iterator
from itertools import islice

from PIL import ImageFile

MOST_COUNTED = 1000
# Further frames of these are no animation, but previews and depth maps, or layers.
_NOT_ANIMATED = ("MPO", "PSD")
_IMAGE, _EXTENSION = 0x2C, 0x21


def left_out(image: ImageFile.ImageFile, data: bytes) -> tuple[str, ...]:
    """Returns a warning where a file has more frames than the first.

    Args:
        image: the file, opened.
        data: the file.

    Raises:
        Exception: of Pillow's reader, on damaged frames.
    """
    frames = frame_count(image, data)
    if frames == 1:
        return ()
    if frames == MOST_COUNTED:
        return (f"only the first of at least {MOST_COUNTED} frames was read",)
    return (f"only the first of {frames} frames was read; {frames - 1} were left out",)


def frame_count(image: ImageFile.ImageFile, data: bytes) -> int:
    """Returns the number of frames, `MOST_COUNTED` at most."""
    if image.format in _NOT_ANIMATED:
        return 1
    if image.format == "GIF":
        # Pillow would go through all of them; other formats say their number in the header.
        return max(1, sum(1 for _ in islice(_gif_frames(data), MOST_COUNTED)))
    return min(int(getattr(image, "n_frames", 1)), MOST_COUNTED)


def _gif_frames(data: bytes) -> Iterator[None]:
    """Yields for each frame of a GIF, up to where it ends or breaks off."""
    try:
        # The header, and the colours of all frames.
        place = 13 + _colours(data[10])
        while data[place] in (_IMAGE, _EXTENSION):
            if data[place] == _EXTENSION:
                place += 2
            else:
                yield
                # Its place and size, its colours, the width of its codes.
                place += 10 + _colours(data[place + 9]) + 1
            while size := data[place]:
                place += 1 + size
            place += 1
    except IndexError:
        return


def _colours(flags: int) -> int:
    """Returns the bytes of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
