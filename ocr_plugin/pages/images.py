"""Images opened by Pillow, as upright pages."""

from collections.abc import Callable

from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from ocr_plugin.pages.animation import left_out
from ocr_plugin.pages.deep_samples import is_deep, lower_halves, widened
from ocr_plugin.pages.fax import fax_damage
from ocr_plugin.pages.image_formats import identified, why
from ocr_plugin.pages.jpeg import made_up_rows
from ocr_plugin.pages.pixels import rgb
from ocr_plugin.pages.raster import Picture, Unusable, check_size

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
_JPEGS = ("JPEG", "MPO")


def first_frame(image: ImageFile.ImageFile, data: bytes, max_pixels: int) -> Picture:
    """Returns the first frame of a file that is not a TIFF; warns of frames left out.

    Args:
        image: the file, opened.
        data: the file.
        max_pixels: limit of the frame.
    """
    with image:
        # Before counting: some formats decode frames in order to count them.
        check_size(image.size, max_pixels)
        try:
            further = left_out(image, data)
        except Exception as error:  # readers raise anything on damaged frames
            raise Unusable(why(image.format or "an image", error)) from error
        picture = current_frame(image, max_pixels, lambda: identified(data))
    return Picture(picture.pixels, further + picture.warnings)


def tiff_frame(open_page: Callable[[], TiffImagePlugin.TiffImageFile], max_pixels: int) -> Picture:
    """Returns a page of a TIFF; warns of damaged fax data.

    Args:
        open_page: gives the page, its directory read.
        max_pixels: limit of the page.
    """
    image = _allocated(open_page(), max_pixels)
    with fax_damage(image) as damage:
        picture = current_frame(image, max_pixels, lambda: _allocated(open_page(), max_pixels))
    return Picture(picture.pixels, (*damage, *picture.warnings))


def _allocated(
    image: TiffImagePlugin.TiffImageFile, max_pixels: int
) -> TiffImagePlugin.TiffImageFile:
    width, height = image.size
    check_size(image.size, max_pixels)
    if width * height > (Image.MAX_IMAGE_PIXELS or max_pixels):
        # Pillow checks its own limit again when it allocates a TIFF, so allocate it here.
        # Not image.size: the orientation is already applied to that.
        stored = (image.tag_v2[256], image.tag_v2[257])
        image.im = Image.new(image.mode, stored).im
    return image


def current_frame(
    image: Image.Image,
    max_pixels: int,
    open_again: Callable[[], ImageFile.ImageFile | None] = lambda: None,
) -> Picture:
    """Returns an image's current frame, upright.

    Args:
        image: which may be loaded already.
        max_pixels: limit of the frame.
        open_again: gives the image once more, if it can be had, not loaded.
    """
    check_size(image.size, max_pixels)
    deep = is_deep(image)

    def lower() -> Image.Image | None:
        again = open_again()
        return None if again is None else lower_halves(again)

    try:
        image.load()
        # Again: a file's header may tell another size than what it holds.
        check_size(image.size, max_pixels)
        missing = made_up_rows(image) if image.format in _JPEGS else ()
        turn, told = _turn_of(image)
        wide, further = widened(image, lower) if deep else (image, ())
        pixels, warnings = rgb(wide, turn)
    except (Unusable, MemoryError):  # there may be enough for the page alone
        raise
    except Exception as error:  # decoders raise anything on damaged data
        raise Unusable(why(image.format or "an image", error)) from error
    return Picture(pixels, missing + told + further + warnings)


def _turn_of(image: Image.Image) -> tuple[Image.Transpose | None, tuple[str, ...]]:
    """Returns what turns an image upright, and a warning if that cannot be known."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a warning of the page: damaged metadata do not affect the pixels
        return None, ("the EXIF data are damaged, so the picture may be turned",)
    return (_UPRIGHT.get(orientation) if isinstance(orientation, int) else None), ()
