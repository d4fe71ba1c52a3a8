"""Detectors: one per module, with the interface `ocr_plugin.protocols.Detector`.

A detector finds text regions and knows nothing about recognizers. To add one, write a class with
`component` and `detect(pages)`, and declare it in the entry-point group ``ocr_plugin.detectors``;
docs/plugins.md shows a complete one.
"""
