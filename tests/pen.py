"""A pen that writes digits, for pages to read and for the mouse to draw."""

import cv2
import numpy as np

LINES = ["4207 65 38", "9 1352", "80046 27"]

# Strokes of a pen, as corners that are rounded off; x and y from 0 to 1, y downwards.
PEN = {
    "0": ["0.35 0 0 0.2 0 0.8 0.35 1 0.6 0.8 0.6 0.2 0.35 0 0.2 0.06"],
    "1": ["0.15 0 0.15 1"],
    "2": ["0 0.25 0.1 0 0.5 0 0.6 0.3 0.3 0.65 0 1", "0 1 0.65 1"],
    "3": ["0 0.05 0.55 0 0.6 0.35 0.2 0.48", "0.2 0.48 0.65 0.5 0.65 0.9 0.3 1.05 0 0.9"],
    "4": ["0.15 0 0 0.55", "0 0.55 0.65 0.55", "0.5 0.1 0.5 1"],
    "5": ["0.6 0 0.1 0", "0.1 0 0.08 0.42", "0.08 0.42 0.6 0.35 0.7 0.7 0.5 1.05 0 0.93"],
    "6": ["0.5 0 0.1 0.3 0 0.9 0.3 1.05 0.6 0.9 0.55 0.55 0.25 0.55 0.05 0.75"],
    "7": ["0 0 0.6 0", "0.6 0 0.2 1"],
    "8": ["0.5 0.1 0.1 0 0.1 0.4 0.5 0.55 0.55 1 0.05 1 0.1 0.6 0.55 0.4 0.5 0.05 0.3 0"],
    "9": ["0.55 0.25 0.3 0 0 0.1 0.05 0.5 0.5 0.45 0.55 0.15", "0.55 0.1 0.5 1"],
}


def rounded(points):
    """Cut the corners three times (Chaikin, 1974); the ends stay."""
    for _ in range(3):
        near, far = points[:-1], points[1:]
        cut = np.stack([0.75 * near + 0.25 * far, 0.25 * near + 0.75 * far], 1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut, points[-1:]])
    return points


def corners(digit):
    """Return the strokes of a digit of height 1, each an array of corners."""
    return [np.array(stroke.split(), float).reshape(-1, 2) for stroke in PEN[digit]]


def write(page, text, x, foot, height, ink=30):
    """Write digits with a round pen; return where they end."""
    for digit in text:
        strokes = corners(digit)
        for stroke in strokes:
            points = rounded(stroke) * height + (x, foot - height)
            pixels = (points * 16).round().astype(np.int32)
            thick = max(1, round(height / 10))
            cv2.polylines(page, [pixels], False, ink, thick, cv2.LINE_AA, shift=4)
        x += round((max(stroke[:, 0].max() for stroke in strokes) + 0.3) * height)
    return x - round(0.3 * height)


def draw(lines=LINES, height=40, paper=235, ink=30):
    page = np.full((height * (2 * len(lines) + 1), height * 16), paper, np.uint8)
    for k, line in enumerate(lines):
        x = height
        for word in line.split():
            x = write(page, word, x, height * (2 * k + 2), height, ink) + height
    return page
