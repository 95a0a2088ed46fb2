"""Drawn things without digits: charts, street maps, diagrams, scribbles and codes of bars."""

import io
from itertools import pairwise

import cv2
import numpy as np
from PIL import Image, ImageDraw

from empty_paper import dark, draw_font, to_picture
from empty_surfaces import Picture, Rng, clouds, draw_size, paper

MARKERS = ("s", "^", "D", "*", "P", "X", "v")  # no circle: it might be a 0
DPI = 100  # of charts


def chart(rng: Rng) -> Picture:
    """Return a chart by Matplotlib whose axes have words or nothing at their ticks."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = draw_size(rng, 300)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = [tuple(rng.uniform(0, 0.9, 3)) for _ in range(5)]
    names = ["north", "south", "east", "west", "centre"]
    x = np.linspace(0, 1, 60)
    way = int(rng.integers(6))
    if way == 0:
        for colour, name in zip(colours[: int(rng.integers(2, 6))], names, strict=False):
            axes.plot(x, np.cumsum(rng.normal(size=60)), color=colour, label=name)
        axes.legend()
    elif way == 1:
        axes.bar(names, rng.uniform(0.2, 1, 5), color=colours)
    elif way == 2:
        for colour in colours[:3]:
            across, up = rng.normal(rng.normal(0, 2, (2, 1)), 1, (2, 60))
            axes.scatter(across, up, 40, color=colour, marker=str(rng.choice(MARKERS)))
    elif way == 3:
        axes.pie(rng.uniform(0.2, 1, 5), labels=names, colors=colours)
    elif way == 4:
        axes.imshow(clouds(rng, (12, 16), 3), cmap=str(rng.choice(["viridis", "gray", "magma"])))
    else:
        axes.fill_between(x, 2 + clouds(rng, (3, 60), 10)[1], color=colours[0], hatch="//")
    axes.set_yticks([])
    if way != 1:
        axes.set_xticks([])
    axes.set_title(str(rng.choice(["Rainfall by region", "Share of votes", "Heights", ""])))
    axes.set_xlabel(str(rng.choice(["time", "region", ""])))
    axes.grid(bool(rng.random() < 0.4))
    out = io.BytesIO()
    canvas.print_png(out)  # type: ignore[no-untyped-call]
    return to_picture(Image.open(out))


def street_map(rng: Rng) -> Picture:
    """Return a map: streets across the whole of it, a river, parks, and names along streets."""
    height, width = draw_size(rng, 320)
    image = Image.new("RGB", (width, height), tuple(rng.integers(225, 250, 3).tolist()))
    draw = ImageDraw.Draw(image)
    words, font = draw_font(rng, 11, 18)
    for _ in range(int(rng.integers(1, 5))):  # parks
        middle, reach = rng.uniform(0, (width, height)), rng.uniform(40, 150)
        corners = [
            tuple(middle + reach * rng.uniform(0.5, 1) * np.array([np.cos(a), np.sin(a)]))
            for a in np.sort(rng.uniform(0, 2 * np.pi, 6))
        ]
        draw.polygon(corners, fill=(190, 220, 170))
    river = across(rng, width, height)
    draw.line(river, (160, 200, 230), int(rng.integers(12, 40)), "curve")
    streets = [across(rng, width, height) for _ in range(int(rng.integers(6, 14)))]
    wide = rng.integers(5, 14, len(streets)).tolist()
    for street, w in zip(streets, wide, strict=True):
        draw.line(street, (170, 165, 160), w + 2, "curve")
    for street, w in zip(streets, wide, strict=True):
        draw.line(street, (255, 253, 240), w, "curve")
    for street in streets[::2]:
        draw.text(street[len(street) // 2], words.pop(), dark(rng), font)
    return to_picture(image)


def across(rng: Rng, width: int, height: int) -> list[tuple[float, float]]:
    """Return a path that bends a little on its way through the whole picture."""
    turn = rng.uniform(0, np.pi)
    along, beside = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    middle = rng.uniform(0.2, 0.8, 2) * (width, height)
    reach = width + height
    steps = np.linspace(-1, 1, 25)
    bend = np.cumsum(np.cumsum(rng.normal(0, 0.004, 25))) - rng.uniform(0, 0.02)
    points = middle + reach * (steps[:, None] * along + bend[:, None] * beside)
    return [(float(x), float(y)) for x, y in points]


def diagram(rng: Rng) -> Picture:
    """Return boxes with words and arrows between them, or a mesh of triangles."""
    image = Image.fromarray(paper(rng, draw_size(rng, 360)))
    draw = ImageDraw.Draw(image)
    width, height = image.size
    ink, thick = dark(rng), int(rng.integers(1, 4))
    if rng.random() < 0.3:
        points = rng.uniform(-0.1, 1.1, (int(rng.integers(12, 60)), 2)) * (width, height)
        net = cv2.Subdiv2D((-width, -height, 3 * width, 3 * height))
        net.insert(points.astype(np.float32).tolist())
        for a, b, c, d in net.getEdgeList():
            draw.line((float(a), float(b), float(c), float(d)), ink, thick)
        return to_picture(image)
    words, font = draw_font(rng, 12, 20)
    rows, columns = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    middles = {}
    for row in range(rows):
        for column in range(columns):
            if rng.random() < 0.8:
                x = (column + rng.uniform(0.4, 0.6)) * width / columns
                y = (row + rng.uniform(0.4, 0.6)) * height / rows
                middles[row, column] = (x, y)
    places = list(middles.values())
    for start, end in pairwise(places):
        draw.line((*start, *end), ink, thick)
    for x, y in places:
        word = words.pop()
        half = (draw.textlength(word, font) / 2 + font.size, font.size * 1.1)
        frame = (x - half[0], y - half[1], x + half[0], y + half[1])
        fill = tuple(rng.integers(200, 255, 3).tolist())
        draw.rounded_rectangle(frame, int(rng.integers(0, 9)), fill, ink, thick)
        draw.text((x, y), word, ink, font, anchor="mm")
    return to_picture(image)


def drawing(rng: Rng) -> Picture:
    """Return many long crossing curves, hatching, stars and polygons, or zigzag scribbles."""
    sheet = paper(rng)
    height, width = sheet.shape[:2]
    image = Image.fromarray(sheet)
    draw = ImageDraw.Draw(image)
    way = int(rng.integers(4))
    for _ in range(int(rng.integers(8, 20))):
        ink, thick = dark(rng), int(rng.integers(1, 6))
        middle = rng.uniform(0.1, 0.9, 2) * (width, height)
        reach = rng.uniform(0.08, 0.25) * min(width, height)
        if way == 0:
            draw.line(across(rng, width, height), ink, thick, "curve")
        elif way == 1:  # hatching in a slanted field
            slant, gap = rng.uniform(-1, 1), thick + int(rng.integers(3, 9))
            for i in range(int(rng.integers(8, 25))):
                x, y = middle[0] + i * gap, middle[1]
                draw.line((x - slant * reach, y - reach, x + slant * reach, y + reach), ink, thick)
        elif way == 2:  # stars and triangles
            n, inner = int(rng.integers(3, 8)), rng.uniform(0.3, 0.55)
            turn = rng.uniform(0, 2 * np.pi)
            angles = turn + np.arange(2 * n) * np.pi / n
            far = reach * np.where(np.arange(2 * n) % 2, inner, 1.0)
            corners = middle + far[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
            fill = ink if rng.random() < 0.3 else None
            draw.polygon([tuple(c) for c in corners], fill, ink, min(thick, 3))
        else:  # to and fro
            n = int(rng.integers(12, 40))
            turn = rng.uniform(-0.5, 0.5)
            side = np.where(np.arange(n) % 2, 1.0, -1.0) * reach * rng.uniform(0.5, 1, n)
            on = np.linspace(-1.5 * reach, 1.5 * reach, n)
            points = middle + np.stack([on - turn * side, side + turn * on], 1)
            draw.line([tuple(p) for p in points], ink, thick, "curve")
    return to_picture(image)


def code(rng: Rng) -> Picture:
    """Return a code of bars or of square modules, a chessboard, or stripes; without a caption."""
    sheet = paper(rng)
    height, width = sheet.shape[:2]
    top, left = int(rng.uniform(0.05, 0.3) * height), int(rng.uniform(0.05, 0.3) * width)
    area = sheet[top : height - top, left : width - left]
    high, wide = area.shape[:2]
    way = int(rng.integers(4))
    if way == 0:  # bars of one to four modules
        module = max(1, wide // int(rng.integers(60, 120)))
        runs = np.repeat(np.arange(400) % 2, rng.integers(1, 5, 400) * module)[:wide]
        area[:, runs == 0] = dark(rng)
    elif way == 1:  # square modules with three finder patterns
        n = int(rng.integers(21, 41))
        field = rng.random((n, n)) < 0.5
        finder = np.ones((8, 8), bool)
        finder[7], finder[:, 7], finder[1:6, 1:6], finder[2:5, 2:5] = False, False, False, True
        field[:8, :8], field[:8, -8:], field[-8:, :8] = finder, finder[:, ::-1], finder[::-1]
        module = max(2, min(high, wide) // n)
        large = np.kron(field, np.ones((module, module), bool))[:high, :wide]
        area[: large.shape[0], : large.shape[1]][large] = dark(rng)
    elif way == 2:
        square = int(rng.integers(15, 60))
        y, x = np.mgrid[:high, :wide] // square
        area[(x + y) % 2 == 0] = dark(rng)
    else:  # slanted stripes
        y, x = np.mgrid[:high, :wide]
        stripe = rng.uniform(8, 40)
        area[((x + rng.uniform(-1, 1) * y) / stripe).astype(int) % 2 == 0] = dark(rng)
    return sheet
