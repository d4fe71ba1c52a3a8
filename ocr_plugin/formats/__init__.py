"""Output formats: hOCR, ALTO, PAGE XML, TSV, Markdown, searchable PDF, overlays."""
