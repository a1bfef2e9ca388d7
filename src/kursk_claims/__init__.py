"""One news article on the Kursk incursion, tested claim by claim, at any date."""

__version__ = "0.1.0"
