"""Images read by Pillow: formats, frames, TIFF pages, EXIF orientation."""

import io
import struct
from collections.abc import Iterator
from itertools import count

from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from ocr_plugin.errors import one_line
from ocr_plugin.pages.containers import contained
from ocr_plugin.pages.pixels import rgb
from ocr_plugin.pages.raster import Picture, Pictures, Unusable, check_size

# By EXIF orientation, what turns a stored image upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Further frames of these are no animation, but previews and depth maps, or layers.
_NOT_ANIMATED = ("MPO", "PSD")
# Bits of a TIFF page's NewSubfileType: a smaller copy of another page, a transparency mask.
_TIFF_NOT_A_PAGE = 0b101


def identified(data: bytes) -> ImageFile.ImageFile | None:
    """Returns the image in a file's bytes, its header read, or None if they are a PDF."""
    if data.startswith(b"%PDF-"):
        return None
    image = contained(data) or _by_pillow(data)
    # PDF readers accept some foreign bytes ahead of the document.
    if image is None and b"%PDF-" not in data[:1024]:
        raise Unusable("not an image in a supported format")
    return image


def _by_pillow(data: bytes) -> ImageFile.ImageFile | None:
    """Returns the image with its header read, or None if it is in no supported format.

    This tries Pillow's format readers as ``Image.open`` does, but without its check against
    ``Image.MAX_IMAGE_PIXELS``: that limit is process-wide, and only warns at first.
    """
    asked: set[str] = set()
    damaged = ""
    for load_formats in (Image.preinit, Image.init):
        load_formats()
        for kind in [kind for kind in Image.ID if kind not in asked]:
            asked.add(kind)
            factory, accepts = Image.OPEN[kind]
            claimed = False
            try:
                if accepts is not None:
                    # A string instead of a boolean means that the reader's library is missing.
                    answer = accepts(data[:16])
                    claimed = bool(answer) and not isinstance(answer, str)
                if claimed or accepts is None:
                    return factory(io.BytesIO(data), "")
            except (SyntaxError, IndexError, TypeError, struct.error):
                # Readers decline like this; if one had claimed the content, its header is damaged.
                damaged = damaged or (kind if claimed else "")
            except Exception as error:  # readers raise anything on damaged headers
                raise Unusable(_reason(kind, error)) from error
    if damaged:
        raise Unusable(f"the image looks like {damaged}, but its header is damaged or cut off")
    return None


def _reason(kind: str, error: Exception) -> str:
    text = one_line(error)
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return "the image is truncated"
    return f"cannot be decoded as {kind}: {text}"


def first_frame(image: ImageFile.ImageFile, max_pixels: int) -> Picture:
    """Returns the first frame of a file that is not a TIFF; warns of frames left out."""
    with image:
        # Before counting: some formats decode frames in order to count them.
        check_size(image.size, max_pixels)
        frames = 1
        if image.format not in _NOT_ANIMATED:
            try:
                frames = getattr(image, "n_frames", 1)
            except Exception as error:  # readers raise anything on damaged frames
                raise Unusable(_reason(image.format or "an image", error)) from error
        picture = current_frame(image, max_pixels)
    if frames == 1:
        return picture
    left_out = f"only the first of {frames} frames was read; {frames - 1} were left out"
    return Picture(picture.pixels, (left_out, *picture.warnings))


def tiff_pages(image: TiffImagePlugin.TiffImageFile, max_pixels: int, first: int) -> Pictures:
    """Yields the pages of a TIFF from the one numbered `first` on."""
    with image:
        for index, broken in enumerate(tiff_places(image)):
            if broken is None and index < first:
                continue
            try:
                picture = broken or _tiff_page(image, max_pixels)
            except Unusable as error:
                picture = error
            yield picture


def tiff_places(image: TiffImagePlugin.TiffImageFile) -> Iterator[Unusable | None]:
    """Seeks to each page: yields None there, or why the following pages cannot be found."""
    for index in count():
        try:
            image.seek(index)
        except EOFError:
            return
        except Exception as error:  # a broken chain: later pages cannot be found
            yield Unusable(_reason("TIFF", error))
            return
        if index == 0 or not image.tag_v2.get(254, 0) & _TIFF_NOT_A_PAGE:
            yield None


def _tiff_page(image: TiffImagePlugin.TiffImageFile, max_pixels: int) -> Picture:
    width, height = image.size
    check_size(image.size, max_pixels)
    if width * height > (Image.MAX_IMAGE_PIXELS or max_pixels):
        # Pillow checks its own limit again when it allocates a TIFF, so allocate it here.
        # Not image.size: the orientation is already applied to that.
        stored = (image.tag_v2[256], image.tag_v2[257])
        image.im = Image.new(image.mode, stored).im
    return current_frame(image, max_pixels)


def current_frame(image: Image.Image, max_pixels: int) -> Picture:
    """Returns an image's current frame, upright."""
    check_size(image.size, max_pixels)
    try:
        image.load()
        # Again: a file's header may tell another size than what it holds.
        check_size(image.size, max_pixels)
        pixels, warnings = rgb(*_upright(image))
    except Unusable:
        raise
    except Exception as error:  # decoders raise anything on damaged data
        raise Unusable(_reason(image.format or "an image", error)) from error
    return Picture(pixels, warnings)


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a warning of the page: damaged metadata do not affect the pixels
        return image, ("the EXIF data are damaged, so the picture may be turned",)
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return (image if turn is None else image.transpose(turn)), ()
