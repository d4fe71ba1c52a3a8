"""Detectors: each module holds one, behind the contract of `ocr_plugin.protocols.Detector`.

A detector finds text regions and knows nothing of who reads them. To add one, write a class with
`component` and `detect(pages)`, and name it in the entry-point group ``ocr_plugin.detectors``;
docs/plugins.md shows a complete one.
"""
