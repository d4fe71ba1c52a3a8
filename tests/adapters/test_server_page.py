"""The server's web page in headless Chromium, by keyboard alone."""

import base64
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.adapters.servers import Server, pdf

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PHOTO = Path(__file__).parents[2] / "examples" / "shop_signs.jpg"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server("--recognizer", "ppocr", "--max-pages", "3")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    quiet = ["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=quiet, chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(server.url)
    yield page
    page.close()
    assert failures == []


def choose(page: Page, content: bytes) -> None:
    page.set_input_files(
        "#file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": content}
    )


def test_a_picture_is_read_and_its_words_walked_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    page.set_input_files("#file", PHOTO)
    expect(page.locator("#status")).to_contain_text("words on 1 page", timeout=30_000)
    words = page.locator("#words button")
    expect(words.first).to_contain_text("CORNER")
    assert page.locator("polygon").count() == words.count() >= 15
    for _ in range(3):  # over the two tools to the words
        page.keyboard.press("Tab")
    expect(words.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(words.nth(1)).to_be_focused()
    expect(words.nth(1)).to_contain_text("BOOKSHOP")
    expect(words.nth(1)).to_contain_text("%")
    assert page.locator("polygon.current").count() == 1
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(words.nth(0)).to_be_focused()


def test_outlines_lie_over_their_words_in_the_picture(page: Page) -> None:
    page.set_input_files("#file", PHOTO)
    expect(page.locator("polygon").first).to_be_attached(timeout=30_000)
    picture = page.locator("#sheet img").bounding_box()
    outline = page.locator("polygon").first.bounding_box()
    assert picture and outline
    natural = page.evaluate("document.querySelector('#sheet img').naturalWidth")
    scale = picture["width"] / natural
    # CORNER stands 120 to 350 pixels from the photo's left edge, 100 to 230 from its top.
    assert outline["x"] - picture["x"] == pytest.approx(130 * scale, abs=40 * scale)
    assert 80 * scale < outline["y"] - picture["y"] < 200 * scale


def test_a_word_is_chosen_in_the_picture(page: Page) -> None:
    page.set_input_files("#file", PHOTO)
    expect(page.locator("polygon").first).to_be_attached(timeout=30_000)
    page.locator("polygon").nth(2).click(force=True)
    expect(page.locator("#words button").nth(2)).to_be_focused()


def test_the_pages_of_a_document_are_turned(page: Page) -> None:
    choose(page, pdf(2))
    expect(page.locator("#status")).to_contain_text("0 words on 2 pages", timeout=30_000)
    expect(page.locator("#number")).to_have_text("Page 1")
    page.locator("#on").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#number")).to_have_text("Page 2")
    expect(page.locator("#on")).to_be_disabled()


def expect_width(page: Page, width: int) -> None:
    """Waits until a picture of this width, in itself, is shown on the sheet."""
    shown = page.locator("#sheet img")
    expect(shown).to_be_visible(timeout=30_000)
    expect(shown).to_have_js_property("naturalWidth", width, timeout=30_000)


def tiff(*sizes: tuple[int, int]) -> bytes:
    sheets = [Image.new("RGB", size, "white") for size in sizes]
    coded = io.BytesIO()
    sheets[0].save(coded, "TIFF", save_all=True, append_images=sheets[1:])
    return coded.getvalue()


def test_pictures_that_a_browser_cannot_show_are_shown_all_the_same(page: Page) -> None:
    content = tiff((90, 60), (120, 60))
    page.set_input_files("#file", {"name": "a.tif", "mimeType": "image/tiff", "buffer": content})
    expect(page.locator("#number")).to_have_text("Page 1", timeout=30_000)
    expect_width(page, 90)
    page.locator("#on").click()
    expect(page.locator("#number")).to_have_text("Page 2")
    expect_width(page, 120)
    page.locator("#back").click()
    expect_width(page, 90)
    choose(page, pdf(1))
    expect(page.locator("#status")).to_contain_text("0 words on 1 page", timeout=30_000)
    expect_width(page, 167)  # 60 points at 200 dpi
    expect(page.locator("#hint")).to_be_hidden()


def test_a_picture_that_cannot_be_shown_at_all_is_no_broken_icon(page: Page) -> None:
    page.route("**/v1/picture*", lambda route: route.fulfill(status=500))
    content = tiff((90, 60))
    page.set_input_files("#file", {"name": "a.tif", "mimeType": "image/tiff", "buffer": content})
    expect(page.locator("#status")).to_contain_text("0 words on 1 page", timeout=30_000)
    page.wait_for_timeout(500)
    expect(page.locator("#sheet img")).to_be_hidden()


def test_words_and_confidences_stand_over_the_picture(page: Page) -> None:
    page.set_input_files("#file", PHOTO)
    expect(page.locator("polygon").first).to_be_attached(timeout=30_000)
    label = page.locator("#label")
    expect(label).to_be_hidden()
    outline = page.locator("polygon", has_text="BOOKSHOP")
    expect(outline.locator("title")).to_have_text(re.compile(r"^BOOKSHOP \d+ %$"))
    outline.hover(force=True)
    expect(label).to_have_text(re.compile(r"^BOOKSHOP \d+ %$"))
    above, word, sheet = (part.bounding_box() for part in (label, outline, page.locator("#sheet")))
    assert above and word and sheet
    assert above["y"] + above["height"] == pytest.approx(word["y"], abs=4)
    assert sheet["x"] <= above["x"]
    assert above["x"] + above["width"] <= sheet["x"] + sheet["width"]
    page.mouse.move(0, 0)
    expect(label).to_be_hidden()
    page.locator("#words button").first.focus()
    expect(label).to_contain_text("CORNER")
    expect(page.locator("#hint")).to_be_visible()


def test_a_file_is_dropped(page: Page) -> None:
    page.evaluate(
        """async (content) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            transfer.items.add(new File([bytes], "signs.jpg", { type: "image/jpeg" }));
            for (const kind of ["dragover", "drop"]) {
                const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
                document.querySelector("#drop").dispatchEvent(new DragEvent(kind, options));
            }
        }""",
        base64.b64encode(PHOTO.read_bytes()).decode(),
    )
    expect(page.locator("#status")).to_contain_text("words on 1 page", timeout=30_000)
    expect(page.locator("#words button").first).to_contain_text("CORNER")


def test_what_cannot_be_read_is_said(page: Page) -> None:
    for body, message in ((b"no picture", "not an image"), (pdf(4), "more than 3 pages")):
        choose(page, body)
        expect(page.locator("#status.error")).to_contain_text(message, timeout=30_000)
        expect(page.locator("#result")).to_be_hidden()
