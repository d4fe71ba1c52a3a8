"""Recognizers: PP-OCR, CLIP4STR, both combined; and splitting lines into words."""
