"""Random texts for pages: numbers, amounts, dates, words and parts of formulas."""

import numpy as np

VOWELS, CONSONANTS = "aeiou", "bcdfghklmnprstvwyz"
LETTERS = "abcdefhkmnprtuABCDEFGHKMNPRTU"  # letters that do not look like a digit
TERMS = (
    "abcdefhkmnprtuwxxxxyyyyABCDEFGHKLMNPQRTUVWXY"  # letters in formulas; x and y are most frequent
)
OTHER_SYMBOLS = "!#$%&()*+<=>?@[]{}"
DIGIT_SHARES = np.array([0.1, 0.16, *8 * [0.0925]])  # probability of 0 to 9
UNITS = (
    "%", "kg", "km", "cm", "mm", "m", "ml", "h", "min", "pcs", "EUR", "USD", "CHF", "Fr", "kW",
    "k", "th", "nd", "rd", "am", "pm", "ft", "lb", "x", "€", "$",
)  # fmt: skip
LABELS = (
    "No.", "Nr.", "#", "$", "€", "p.", "x", "@", "(", "§", "pos.", "tel.", "Art.",
)  # fmt: skip


def digits(rng: np.random.Generator, n: int, rounded: float = 0.18) -> str:
    """Return n random digits. Some numbers are round, and some repeat one digit.

    1s are more frequent than other digits, as first digits of real numbers (Benford's law).

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
    rounded : float
        Share of numbers that end with zeros, 1 to n - 1 of them.
    """
    kind = rng.random()
    if n > 1 and kind < rounded:
        zeros = int(rng.integers(1, n))
        return digits(rng, n - zeros, 0.0) + "0" * zeros
    if n > 1 and kind < rounded + 0.06:
        return str(rng.integers(10)) * n
    return "".join(map(str, rng.choice(10, n, p=DIGIT_SHARES).tolist()))


def integer(rng: np.random.Generator, longest: int = 8) -> str:
    """Return a random whole number of up to `longest` digits; short numbers are more frequent."""
    shares = 1 / np.arange(2, longest + 2) ** 0.7
    return digits(rng, 1 + int(rng.choice(longest, p=shares / shares.sum())))


def number(rng: np.random.Generator, longest: int = 8, signs: float = 0.35) -> str:
    """Return a random number: whole, decimal, grouped or negative."""
    if rng.random() >= signs:
        return integer(rng, longest)
    kind = rng.random()
    mark = ".,"[rng.integers(2)]
    if kind < 0.5:
        text = integer(rng, 4) + mark + digits(rng, int(rng.integers(1, 4)))
    elif kind < 0.7:
        groups = [
            digits(rng, 3) if rng.random() < 0.7 else "000" for _ in range(rng.integers(1, 3))
        ]
        text = mark.join([digits(rng, int(rng.integers(1, 4))), *groups])
        if rng.random() < 0.5:
            text += (".," if mark == "," else ",.")[0] + digits(rng, 2)
    else:
        text = integer(rng, longest)
    if kind >= 0.7 or rng.random() < 0.3:
        text = "-" + text
    return text


def quantity(rng: np.random.Generator, longest: int = 5) -> str:
    """Return a number with a unit, a label, letters of a code or a bracket.

    Letters that look like a digit are used in words only.
    """
    text, kind = number(rng, longest, 0.25), rng.random()
    space = " " if rng.random() < 0.45 else ""
    letter = LETTERS[rng.integers(len(LETTERS))]
    if kind < 0.4:
        return text + space + UNITS[rng.integers(len(UNITS))]
    if kind < 0.6:
        return LABELS[rng.integers(len(LABELS))] + space + text
    if kind < 0.75:
        return letter + space + text
    if kind < 0.85:
        return integer(rng, 2) + ".)"[rng.integers(2)] + " " + word(rng, capital=True)
    return integer(rng, 3) + letter + (integer(rng, 2) if rng.random() < 0.4 else "")


def word(rng: np.random.Generator, capital: bool = False) -> str:
    """Return random letters that look like a word, including letters that look like digits."""
    letters = []
    for _ in range(int(rng.integers(1, 4))):
        letters.append(CONSONANTS[rng.integers(len(CONSONANTS))])
        letters.append(VOWELS[rng.integers(len(VOWELS))])
        if rng.random() < 0.4:
            letters.append(CONSONANTS[rng.integers(len(CONSONANTS))])
    text = "".join(letters)
    kind = rng.random()
    if capital and kind < 0.3:
        return text.upper()
    return text.capitalize() if capital and kind < 0.7 else text


def date_or_time(rng: np.random.Generator) -> str:
    """Return a random date, time of day or fraction."""
    day, month = int(rng.integers(1, 32)), int(rng.integers(1, 13))
    year = int(rng.integers(1900, 2040))
    kind = rng.integers(6)
    if kind == 0:
        return f"{day}/{month}/{year}"
    if kind == 1:
        return f"{day:02}/{month:02}/{year % 100:02}"
    if kind == 2:
        return f"{day}-{month:02}-{year}"
    if kind == 3:
        return f"{rng.integers(24)}:{rng.integers(60):02}"
    if kind == 4:
        return f"{rng.integers(24):02}:{rng.integers(60):02}:{rng.integers(60):02}"
    return f"{integer(rng, 3)}/{integer(rng, 3)}"


def term(rng: np.random.Generator) -> str:
    """Return a random part of a formula: a letter, a sign or a number."""
    kind = rng.random()
    if kind < 0.34:
        return TERMS[rng.integers(len(TERMS))]
    if kind < 0.62:
        return "+-=()<>*/"[rng.integers(9)]
    if kind < 0.68:
        return OTHER_SYMBOLS[rng.integers(len(OTHER_SYMBOLS))]
    return integer(rng, 3)


def operand(rng: np.random.Generator) -> str:
    """Return a random operand: a number, a letter, or a number with a letter."""
    kind = rng.random()
    letter = "xxxyyabnmtk"[rng.integers(11)]
    if kind < 0.6:
        return integer(rng, 4)
    return letter if kind < 0.75 else digits(rng, int(rng.integers(1, 3))) + letter


def operator(rng: np.random.Generator) -> str:
    """Return a random operator between two operands."""
    return "++++---==×÷/"[rng.integers(12)]
