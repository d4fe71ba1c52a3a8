"""``python -m ocr_plugin``: the same as the command ``ocr-plugin``."""

import sys

from ocr_plugin.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
