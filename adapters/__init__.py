"""Adapters: `ocr_plugin.schema.Page` to and from other libraries' types, one host or format a file.

An adapter holds no OCR logic, and imports its host inside its own module only.
"""
