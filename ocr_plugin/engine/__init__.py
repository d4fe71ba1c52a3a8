"""The engine: the only code that joins the stages."""
