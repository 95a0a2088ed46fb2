"""Formats of numbers and plurals in figures and reports."""

NBSP = "\u00a0"  # keeps a number and its unit on one line


def percent(share: float, decimals: int = 1) -> str:
    """Return a share as per cent.

    >>> percent(0.98765).replace(NBSP, " ")
    '98.8 %'
    """
    return f"{share * 100:.{decimals}f}{NBSP}%"


def precise(share: float, n: int) -> str:
    """Return a share of `n` as per cent, with a number of decimals that is meaningful for `n`.

    >>> precise(0.9804, 10_000).replace(NBSP, " "), precise(0.9804, 297).replace(NBSP, " ")
    ('98.04 %', '98.0 %')
    """
    return percent(share, 2 if n >= 5_000 else 1)


def sure(probability: float) -> str:
    """Return a probability as per cent; one below 1 is never rounded up to 100 %.

    >>> sure(0.99999).replace(NBSP, " "), sure(0.42).replace(NBSP, " ")
    ('> 99.9 %', '42.0 %')
    """
    return f">{NBSP}99.9{NBSP}%" if probability >= 0.9995 else percent(probability)


def count(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in singular or plural.

    >>> count(1, "mistake"), count(1200, "mistake")
    ('1 mistake', '1,200 mistakes')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def times(n: int) -> str:
    """Return a frequency in words.

    >>> times(1), times(2), times(12)
    ('once', 'twice', '12 times')
    """
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def power_of_ten(value: float, decimals: int = 0) -> str:
    """Return a number with its power of ten.

    >>> power_of_ten(1e-5), power_of_ten(3e-5), power_of_ten(12345.0, 1)
    ('10⁻⁵', '3 × 10⁻⁵', '1.2 × 10⁴')
    """
    mantissa, exponent = f"{value:.{decimals}e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == "1" else f"{mantissa} × 10{raised}"
