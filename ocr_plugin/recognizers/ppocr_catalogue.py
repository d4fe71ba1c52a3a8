"""PP-OCR's models for scripts that the default one does not know, and where they are published.

PaddlePaddle's PP-OCRv5 mobile recognition models (https://github.com/PaddlePaddle/PaddleOCR), as
ONNX files of the RapidOCR project (https://github.com/RapidAI/RapidOCR), Apache-2.0 both. The
hashes are those that RapidOCR 3.10 states.
"""

from dataclasses import dataclass

from ocr_plugin.runtime.web import UrlFile

RECOGNIZER = "ppocr"
"""The recognizer that reads with them."""

_FOLDER = "https://www.modelscope.cn/models/RapidAI/RapidOCR/resolve/v3.10.0/onnx/PP-OCRv5/rec"


@dataclass(frozen=True)
class LineModel:
    """A published PP-OCR model.

    Attributes:
        name: by which it is requested.
        script: that it knows beside Latin letters and digits, with its languages.
        file: its name in the cache directory.
        source: where it is published.
        sha256: of its bytes.
        licence: of the weights.
    """

    name: str
    script: str
    file: str
    source: UrlFile
    sha256: str
    licence: str = "Apache-2.0"


def _model(name: str, script: str, file: str, sha256: str) -> LineModel:
    return LineModel(name, script, file, UrlFile(f"{_FOLDER}/{file}"), sha256)


_MODELS = (
    _model(
        "ppocr-eslav",
        "East Slavic: be, ru, uk",
        "eslav_PP-OCRv5_rec_mobile.onnx",
        "08705d6721849b1347d26187f15a5e362c431963a2a62bfff4feac578c489aab",
    ),
    _model(
        "ppocr-cyrillic",
        "Cyrillic: bg, kk, ky, mk, mn, sr and others",
        "cyrillic_PP-OCRv5_rec_mobile.onnx",
        "90f761b4bfcce0c8c561c0cb5c887b0971d3ec01c32164bdf7374a35b0982711",
    ),
    _model(
        "ppocr-greek",
        "Greek: el",
        "el_PP-OCRv5_rec_mobile.onnx",
        "b4368bccd557123c702b7549fee6cd1e94b581337d1c9b65310f109131542b7f",
    ),
    _model(
        "ppocr-korean",
        "Korean: ko",
        "korean_PP-OCRv5_rec_mobile.onnx",
        "cd6e2ea50f6943ca7271eb8c56a877a5a90720b7047fe9c41a2e541a25773c9b",
    ),
    _model(
        "ppocr-thai",
        "Thai: th",
        "th_PP-OCRv5_rec_mobile.onnx",
        "de541dd83161c241ff426f7ecfd602a0ba77d686cf3ab9a6c255ea82fd08006e",
    ),
    _model(
        "ppocr-arabic",
        "Arabic: ar, fa, ug, ur",
        "arabic_PP-OCRv5_rec_mobile.onnx",
        "c1192e632d0baa9146ae5b756a0e635e3dc63c1733737ebfd1629e87144e9295",
    ),
    _model(
        "ppocr-devanagari",
        "Devanagari: hi, mr, ne, sa",
        "devanagari_PP-OCRv5_rec_mobile.onnx",
        "d6f0a906580e3fa6b324a318718f1f31f268b6ea8ef985f91c2012a37f52c91e",
    ),
    _model(
        "ppocr-tamil",
        "Tamil: ta",
        "ta_PP-OCRv5_rec_mobile.onnx",
        "a42448808b7dea87597336f12438935f40353f1949e8360acd9e06b4da21bfe1",
    ),
    _model(
        "ppocr-telugu",
        "Telugu: te",
        "te_PP-OCRv5_rec_mobile.onnx",
        "a3690451b50028a09a3316a1274f7c05728151ea3f8fd392696397a7fefcbd92",
    ),
)


def line_models() -> tuple[LineModel, ...]:
    """Returns the published models."""
    return _MODELS


def line_model(name: str) -> LineModel | None:
    """Returns the model of a name; None if there is none."""
    return next((each for each in line_models() if each.name == name), None)
