"""Labelled data in the layouts in which it is handed around, for training and for judging."""
