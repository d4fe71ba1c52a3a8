"""Pages: opens files and decodes their pages as upright RGB arrays."""
