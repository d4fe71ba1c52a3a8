"""Labelled data sets in their usual layouts, for training and evaluation."""
