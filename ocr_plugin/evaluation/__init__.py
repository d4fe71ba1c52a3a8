"""Accuracy of recognizers, of detectors and on whole pages, by the usual protocols."""
