"""The reading of the CTC head: one guess a column, repeats and blanks taken out.

Connectionist temporal classification, Graves et al. 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf; greedy ("best path") decoding.
"""

from torch import Tensor

from ocr_plugin.clip4str.charset import Charset

BLANK = 0
"""The class that says nothing; the decoders' EOS has the same id and never meets it."""


def greedy_texts(logits: Tensor, charset: Charset) -> list[str]:
    """Returns the most likely path of each row as text.

    Args:
        logits: (B, columns, classes), of `Clip4Str.ctc_logits`.
        charset: of the network.
    """
    texts = []
    for row in logits.argmax(-1).tolist():
        previous, text = BLANK, []
        for token in row:
            if token not in (BLANK, previous):
                text.append(charset.characters[token - 1])
            previous = token
        texts.append("".join(text))
    return texts
