"""Geometry of a view: rotation, perspective, bend, lens distortion and the edges of the sheet.

Light is in `lighting`, the effects of camera and file are in `photo_effects`.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.surfaces import draw_surface
from digitscope.synthesis.pages.textures import (
    Plane,
    Range,
    Size,
    choose,
    clouds,
    flat,
    smooth,
    uniform,
    window,
)
from digitscope.synthesis.pages.truth import Points


@dataclass(frozen=True)
class CameraStyle:
    """Variation of views. Lengths are shares of the longer side of the picture unless stated.

    Attributes
    ----------
    views : dict of str to float
        Relative frequency of scans, photos from above, oblique photos and photos of a bent page.
    scan_turn, photo_turn : float
        Standard deviation of the rotation of a scan, and largest rotation of a photo, in degrees.
    tilt : tuple of float
        Relative change of scale of an oblique photo over the length of the longer side.
    bend : tuple of float
        Amplitude of the wave of a bent page.
    bend_length : tuple of float
        Wavelength.
    lens : float
        Largest relative change of scale by the lens at the corners.
    edge_chance : float
        Probability that edges of the sheet are in the picture.
    edges : dict of str to float
        Relative frequency of edges on a desk, on the lid of a scanner and at the gutter of a book.
    inset : tuple of float
        Distance of such an edge from the border, as a share of that side of the picture.
    softness : tuple of float
        Blur of the edge of the page, standard deviation in pixels.
    """

    views: dict[str, float] = field(
        default_factory=lambda: {"scan": 58.0, "photo": 16.0, "oblique": 16.0, "bent": 10.0}
    )
    scan_turn: float = 0.5
    photo_turn: float = 8.0
    tilt: Range = (0.05, 0.35)
    bend: Range = (0.004, 0.02)
    bend_length: Range = (0.7, 2.0)
    lens: float = 0.05
    edge_chance: float = 0.12
    edges: dict[str, float] = field(
        default_factory=lambda: {"desk": 60.0, "scanner": 22.0, "gutter": 18.0}
    )
    inset: Range = (0.02, 0.28)
    softness: Range = (0.3, 1.2)


BEYOND = 0.6  # longer sides; extent of a sheet without visible edges beyond the picture


@dataclass(frozen=True)
class Camera:
    """The geometry of one view.

    Attributes
    ----------
    size : tuple of int
        Height and width of the picture, in pixels.
    view : str
        "scan", "photo", "oblique" or "bent".
    edge : str
        Background of the sheet's edges: "desk", "scanner", "gutter", or "" if none is visible.
    sheet : tuple of float
        Left, top, right, bottom of the sheet in pixels of the sheet. Without perspective these are
        pixels of the picture.
    homography : ndarray of shape (3, 3), dtype float64
        Rotation, perspective and shift, in multiples of the longer side around the middle.
    bend : tuple of float
        Amplitude, wavelength and phase of the wave of the page, and its direction in radians.
    lens : float
        Relative change of scale for a distance of one longer side from the middle.
    softness : float
        Blur of the sheet's edge, in pixels.

    Examples
    --------
    >>> camera = Camera.draw(np.random.default_rng(0), (64, 64))
    >>> camera.map(np.array([[32.0, 32.0]])).shape
    (1, 2)
    """

    size: Size
    view: str
    edge: str
    sheet: tuple[float, float, float, float]
    homography: NDArray[np.float64]
    bend: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 0.0)
    lens: float = 0.0
    softness: float = 0.6

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        size: Size,
        strength: float = 1.0,
        style: CameraStyle | None = None,
    ) -> "Camera":
        """Return a random view.

        Most are flatbed scans, the others photos of a notebook from above or from the side, or of
        an open book.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : tuple of int
            Height and width in pixels.
        strength : float
            Factor of rotation, perspective, bend and the probability of edges; 0 for none.
        style : CameraStyle, optional
        """
        style = style or CameraStyle()
        view = choose(rng, style.views)
        turn = rng.normal(0, style.scan_turn) if view == "scan" else 0.0
        tilt, bend, lens = np.zeros(2), (0.0, 1.0, 0.0, 0.0), 0.0
        if view != "scan":
            turn = (rng.random() + rng.random() - 1) * style.photo_turn
            lens = (rng.random() - 0.5) * 2 * style.lens * strength
        if view == "oblique":
            direction = rng.random() * 6.283
            tilt = uniform(rng, style.tilt) * np.array([np.cos(direction), np.sin(direction)])
        if view == "bent":
            crests = rng.normal(0, 0.12) + (1.5708 if rng.random() < 0.7 else 0.0)
            height = uniform(rng, style.bend) * strength
            length = uniform(rng, style.bend_length)
            bend = (height, length, rng.random() * 6.283, crests)
        edge = ""
        sheet = (-BEYOND, -BEYOND, BEYOND, BEYOND)
        if rng.random() < style.edge_chance * strength:
            edge = choose(rng, style.edges)
        insets = _insets(rng, edge, style)
        longer = max(size)
        sides = [
            -BEYOND * longer if insets[0] is None else insets[0] * size[1],
            -BEYOND * longer if insets[1] is None else insets[1] * size[0],
            size[1] + BEYOND * longer if insets[2] is None else (1 - insets[2]) * size[1],
            size[0] + BEYOND * longer if insets[3] is None else (1 - insets[3]) * size[0],
        ]
        sheet = (sides[0], sides[1], sides[2], sides[3])
        homography = _homography(np.deg2rad(turn) * strength, tilt * strength)
        softness = uniform(rng, style.softness)
        return cls(size, view, edge, sheet, homography, bend, lens, softness)

    def map(self, points: NDArray[np.floating]) -> Points:
        """Map points of the flat sheet to the picture.

        Parameters
        ----------
        points : ndarray of shape (n, 2)
            x and y in pixels of the sheet.

        Returns
        -------
        ndarray of shape (n, 2), dtype float32
            x and y in pixels of the picture.
        """
        height, width = self.size
        unit, middle = max(height, width), np.array([width / 2, height / 2])
        flat_points = (np.asarray(points, np.float64).reshape(-1, 2) - middle) / unit
        swing, length, phase, crests = self.bend
        if swing:
            normal = np.array([-np.sin(crests), np.cos(crests)])
            along = flat_points @ np.array([np.cos(crests), np.sin(crests)])
            wave = swing * np.sin(along * (2 * np.pi / length) + phase)
            flat_points = flat_points + wave[:, None] * normal
        ahead = flat_points @ self.homography[:, :2].T + self.homography[:, 2]
        seen = ahead[:, :2] / ahead[:, 2:]
        if self.lens:
            # Constant far outside of the picture, so that lines do not fold back.
            reach = np.minimum((seen * seen).sum(axis=1, keepdims=True), 0.5)
            seen = seen * (1 + self.lens * reach)
        mapped: Points = (seen * unit + middle).astype(np.float32)
        return mapped

    @property
    def corners(self) -> Points | None:
        """The outline of the sheet in the picture as a closed polyline; None without edges."""
        if not self.edge:
            return None
        left, top, right, bottom = self.sheet
        steps = np.linspace(0, 1, 24, endpoint=False)[:, None]
        ends = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
        sides = [a + steps * (b - a) for a, b in pairwise(ends)]
        return self.map(np.concatenate(sides))

    def page_mask(self, size: Size | None = None) -> Plane:
        """Return the share of each pixel that the sheet covers, 0 to 1, blurred at its edges."""
        size = size or self.size
        corners = self.corners
        if corners is None:
            return flat(size, 1.0)
        return np.minimum(self._filled(corners, size, self.softness), np.float32(1))

    @staticmethod
    def _filled(corners: Points, size: Size, blur: float) -> Plane:
        """Return 1 inside an outline and 0 outside, blurred; wide blurs at quarter size."""
        step = 1 if blur < 3 or min(size) < 32 else 4
        mask = np.zeros((size[0] // step, size[1] // step), np.uint8)
        outline = np.round((corners / step - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(mask * np.float32(1 / 255), (0, 0), blur / step)
        return soft if step == 1 else cv2.resize(soft, size[::-1])  # type: ignore[no-any-return]

    def add_background(
        self, rng: np.random.Generator, page: Plane, behind: Plane | None = None
    ) -> Plane:
        """Return the picture of a page with the background behind it.

        Parameters
        ----------
        rng : numpy.random.Generator
        page : ndarray of shape (height, width), dtype float32
            The sheet, in the geometry of the picture.
        behind : ndarray of shape (height, width), dtype float32, optional
            The background. By default a surface for a desk; black, gray or white for a scanner; the
            next page for the gutter of a book.
        """
        corners = self.corners
        if corners is None:
            return page
        size = (page.shape[0], page.shape[1])
        if behind is None:
            behind = self._behind(rng, page)
        mask = self.page_mask(size)
        if self.edge == "desk" and rng.random() < 0.7:  # the sheet's own shadow on the desk
            away = rng.uniform(-5, 5, 2).astype(np.float32)
            dark = self._filled(corners + away, size, uniform(rng, (1.0, 4.0)))
            behind = behind * (1 - uniform(rng, (0.2, 0.7)) * dark)
        picture: Plane = behind + (page - behind) * mask
        if self.edge == "gutter" or (self.edge == "scanner" and rng.random() < 0.4):
            near = 1 - self._filled(corners, size, uniform(rng, (0.02, 0.07)) * max(size))
            picture *= 1 - uniform(rng, (0.3, 1.1)) * np.minimum(near, 1 - near)
        return picture

    def _behind(self, rng: np.random.Generator, page: Plane) -> Plane:
        size = (page.shape[0], page.shape[1])
        if self.edge == "scanner":
            level = (uniform(rng, (0, 60)), uniform(rng, (90, 190)), 255.0)[int(rng.integers(3))]
            return flat(size, level) + 3 * smooth(rng, size, max(size) / 2)
        if self.edge == "gutter":
            level = float(page[::8, ::8].mean()) + rng.normal(0, 10)
            return flat(size, level) + 3 * window(rng, clouds(), size)
        desk = draw_surface(rng, size)
        sheet, level = float(page[::8, ::8].mean()), float(desk[::8, ::8].mean())
        if (
            abs(sheet - level) < 45 and rng.random() < 0.8
        ):  # otherwise the edge would hardly be visible
            other = sheet - uniform(rng, (50, 150)) if sheet > 110 else sheet + 90
            desk += max(other, 8.0) - level
            np.clip(desk, 0, 255, out=desk)
        return desk


def _insets(rng: np.random.Generator, edge: str, style: CameraStyle) -> list[float | None]:
    """Return the insets of the left, top, right and bottom edge; None for an invisible edge."""
    insets: list[float | None] = [None] * 4
    if not edge:
        return insets
    if edge == "gutter":
        visible = [0 if rng.random() < 0.5 else 2]
    else:
        first = int(rng.integers(4))
        visible = [(first + step) % 4 for step in range(int(rng.choice([1, 1, 1, 2, 2, 2, 3, 4])))]
    for side in visible:
        insets[side] = uniform(rng, style.inset) * (0.5 if edge != "desk" else 1.0)
    return insets


def _homography(turn: float, tilt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rotation and perspective that keep the scale and position of the middle."""
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    perspective = np.eye(3)
    perspective[2, :2] = tilt
    # A tilted sheet looks shorter along the tilt; half of it, since cameras are near.
    amount = float(np.hypot(*tilt))
    if amount:
        direction = tilt / amount
        perspective[:2, :2] -= 0.5 * amount * np.outer(direction, direction)
    return np.asarray(perspective @ rotation, np.float64)
