"""Sheets without digits: printed words in several languages, empty forms, tables, ruled paper."""

import functools

import cv2
import numpy as np
from PIL import Image, ImageDraw

from digitscope.synthesis.fonts import Font, find_fonts, load_font
from empty_surfaces import Picture, Rng, draw_size, paper

# No word is a single letter, none in capitals spells a number (SOS, OIL, BIS).
WORDS = {
    "English": (
        "river mountain between window garden market paper weather because morning winter people "
        "often carry their letters across the bridge before evening Name Address Street Signature"
    ),
    "German": (
        "Straße Fenster Garten zwischen Morgen können größer Wetter bezahlt Unterschrift Anschrift "
        "Vorname Nachname Wohnort und nicht gestern über den Fluss gegangen Rechnung Betrag"
    ),
    "French": (
        "fenêtre jardin marché entre montagne lettre toujours été prénom adresse rue signature "
        "montant payer ordre chèque français où déjà garçon cœur prix reçu facture"
    ),
    "Spanish": (
        "ventana jardín mañana entre montaña papel siempre señor nombre dirección calle firma "
        "cantidad páguese este cheque país corazón factura recibo fecha lugar"
    ),
    "Italian": "finestra giardino mercato perché città nome indirizzo firma ricevuta più però",
    "Polish": "okno ogród między góra zawsze imię nazwisko adres podpis kwota słowo źródło wąż",
    "Turkish": "pencere bahçe pazar dağ arasında adı soyadı adres imza tutar güneş çiçek öğle",
    "Russian": "окно сад рынок между гора письмо всегда имя адрес подпись сумма река утро",
    "Greek": "παράθυρο κήπος αγορά πάντα διεύθυνση υπογραφή ποτάμι πρωί μέρα γράμμα",
}
MANY = 400  # words, more than a sheet takes
NOT_A_CHARACTER = "\uffff"  # fonts draw their sign for a missing character


@functools.cache
def fonts_for(language: str) -> tuple[str, ...]:
    """Return the fonts that have each character of a language's words."""
    characters = set(WORDS[language]) - {" "}
    found = []
    for font in find_fonts():
        loaded = load_font(font, 32)
        inks = {bytes(loaded.getmask(character)) for character in characters}
        if not inks & {bytes(loaded.getmask(NOT_A_CHARACTER)), b""}:
            found.append(font)
    return tuple(found)


def draw_font(rng: Rng, least: int = 11, most: int = 34) -> tuple[list[str], Font]:
    """Return `MANY` words of one language and a font, from `least` to below `most` pixels."""
    language = list(WORDS)[int(rng.integers(len(WORDS)))]
    fonts = fonts_for(language)
    font = load_font(fonts[int(rng.integers(len(fonts)))], int(rng.integers(least, most)))
    words = WORDS[language].split()
    return [words[i] for i in rng.integers(0, len(words), MANY)], font


def dark(rng: Rng) -> tuple[int, int, int]:
    """Return the colour of an ink."""
    red, green, blue = (int(v) for v in rng.integers(0, 110, 3))
    return red, green, blue


def to_picture(image: Image.Image) -> Picture:
    """Return a Pillow image as an array."""
    return np.array(image.convert("RGB"))


def text(rng: Rng) -> Picture:
    """Return printed words: a page of paragraphs, a sign of few large words, or a caption."""
    sheet = Image.fromarray(paper(rng))
    ink = dark(rng)
    large = rng.random() < 0.3
    words, font = draw_font(rng, 40, 90) if large else draw_font(rng)
    if rng.random() < 0.2:  # light on dark
        sheet, ink = Image.eval(sheet, lambda v: v // 6), (245, 240, 230)
    draw = ImageDraw.Draw(sheet)
    width, height = sheet.size
    margin = int(rng.uniform(0.03, 0.12) * width)
    step = font.size * rng.uniform(1.2, 1.8)
    capitals = rng.random() < 0.2
    top: float = margin
    while top + step < height - margin / 2 and words:
        line = ""
        while words and draw.textlength(f"{line} {words[-1]}", font) < width - 2 * margin:
            word = words.pop()
            line += f" {word.upper() if capitals and 'ß' not in word else word}"
        if not line:  # the word is wider than the sheet
            words.pop()
            continue
        draw.text((margin, top), line.strip() + rng.choice(["", "", ",", "."]), ink, font)
        top += step * (2 if rng.random() < 0.15 else 1)
    return to_picture(sheet)


def form(rng: Rng) -> Picture:
    """Return a form that has not been filled in: labels, boxes, combs, lines, check boxes."""
    sheet = Image.fromarray(paper(rng, draw_size(rng, 400)))
    draw = ImageDraw.Draw(sheet)
    words, font = draw_font(rng, 11, 22)
    width, height = sheet.size
    ink, thick = dark(rng), int(rng.integers(1, 4))
    high = int(rng.uniform(1.4, 3.0) * font.size)
    top, left = int(high * 0.6), int(0.05 * width)
    if rng.random() < 0.4:
        draw.rectangle((4, 4, width - 5, height - 5), outline=ink, width=thick)
    while top + 1.5 * high < height:
        label = " ".join(words.pop() for _ in range(int(rng.integers(1, 3))))
        draw.text((left, top), label, ink, font)
        start = left + int(max(draw.textlength(label, font) + font.size, 0.3 * width))
        end = int(rng.uniform(0.75, 0.97) * width)
        way = rng.integers(5)
        if end - start < 3 * high or way == 0:
            draw.line((start, top + high, end, top + high), ink, thick)
        elif way == 1:
            draw.rectangle((start, top, end, top + high), outline=ink, width=thick)
        elif way == 2:  # a comb: joined boxes of one character
            for box in range(int((end - start) // (0.8 * high))):
                at = start + int(box * 0.8 * high)
                draw.rectangle((at, top, at + int(0.8 * high), top + high), None, ink, thick)
        elif way == 3:  # dots to write on
            for at in range(start, end, 5):
                draw.point((at, top + high), ink)
        else:  # boxes to check, square, each with a word
            at = start
            box = int(font.size)
            while at + high < end:
                draw.rectangle((at, top, at + box, top + box), None, ink, thick)
                draw.text((at + 1.4 * box, top), word := words.pop(), ink, font)
                at += int(2.6 * box + draw.textlength(word, font))
        top += int(high * rng.uniform(1.3, 2.0))
    return to_picture(sheet)


def table(rng: Rng) -> Picture:
    """Return an empty table or grid, with a heading of words or none; sudokus among them."""
    sheet = Image.fromarray(paper(rng, draw_size(rng, 320)))
    draw = ImageDraw.Draw(sheet)
    words, font = draw_font(rng, 11, 20)
    width, height = sheet.size
    ink = dark(rng)
    sudoku = rng.random() < 0.3
    rows, columns = (9, 9) if sudoku else rng.integers(2, 14, 2).tolist()
    left, top = (int(rng.uniform(0.02, 0.15) * side) for side in sheet.size)
    wide = (width - 2 * left) / columns
    high = wide if sudoku else (height - 2 * top) / rows
    high = min(high, (height - 2 * top) / rows)
    for row in range(rows + 1):
        y, thick = round(top + row * high), 3 if sudoku and row % 3 == 0 else 1
        draw.line((left, y, round(left + columns * wide), y), ink, thick)
    for column in range(columns + 1):
        x, thick = round(left + column * wide), 3 if sudoku and column % 3 == 0 else 1
        draw.line((x, top, x, round(top + rows * high)), ink, thick)
    if not sudoku and rng.random() < 0.6 and high > 1.3 * font.size:
        for column in range(columns):
            if draw.textlength(word := words.pop(), font) < 0.9 * wide:
                draw.text((left + (column + 0.06) * wide, top + 0.1 * high), word, ink, font)
        for row in range(1, rows):
            if draw.textlength(word := words.pop(), font) < 0.9 * wide:
                draw.text((left + 0.06 * wide, top + (row + 0.1) * high), word, ink, font)
    return to_picture(sheet)


def ruled(rng: Rng) -> Picture:
    """Return ruled, squared, dotted or music paper, some with a margin, holes or a staple."""
    sheet = paper(rng, draw_size(rng, 320))
    height, width = sheet.shape[:2]
    step = int(rng.integers(12, 60))
    ink = tuple(int(v) for v in rng.integers(90, 215, 3))
    thick = int(rng.integers(1, 3))
    way = rng.integers(4)
    for y in range(int(rng.integers(step)), height, step):
        if way == 2:
            for x in range(step, width, step):
                cv2.circle(sheet, (x, y), thick - 1, ink, -1)
        elif way < 3 or y // step % 8 < 5:  # of music paper five lines, then a gap of three
            cv2.line(sheet, (0, y), (width, y), ink, thick)
    if way == 1:
        for x in range(int(rng.integers(step)), width, step):
            cv2.line(sheet, (x, 0), (x, height), ink, thick)
    if rng.random() < 0.4:
        x = int(rng.uniform(0.05, 0.2) * width)
        cv2.line(sheet, (x, 0), (x, height), (220, 90, 90), thick)
        if rng.random() < 0.4:
            cv2.line(sheet, (x + 5, 0), (x + 5, height), (220, 90, 90), thick)
    if rng.random() < 0.3:  # holes of a binder, filled with the dark behind them
        radius = max(5, width // 60)
        for share in (0.2, 0.8):
            cv2.circle(sheet, (3 * radius, int(share * height)), radius, (40, 38, 35), -1)
    return sheet
