"""The page of the service in a browser: how large, how soon it can be used, how fast it follows.

    uv run python benchmarks/page.py

Debian's chromium without a screen, on the same machine as the service. A visit is with an empty
cache; the page is ready when its models are known and one can write. The pen is moved point by
point while three digits are written, and each time the clock runs from the event to the frame in
which its answer stands on the page.
"""

import argparse
import json
import shutil
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from common import between, row, spread, write
from digitscope.synthesis.faulty_pages import digit_strokes
from serve import service

FOLLOW = """() => {
    const sheet = document.querySelector("#draw-pad canvas");
    window.delays = [];
    let moved = null;
    sheet.addEventListener("pointermove", () => { moved ??= performance.now(); }, true);
    new MutationObserver(() => {
        const since = moved;
        moved = null;
        if (since) requestAnimationFrame(() => window.delays.push(performance.now() - since));
    }).observe(document.querySelector("#draw-note"), {childList: true});
}"""


def load(browser: Browser, address: str) -> tuple[float, int]:
    """Return the milliseconds until the page can be used, and the bytes that were sent for it."""
    context = browser.new_context(bypass_csp=True)  # for what asks it
    page = context.new_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(address)
    page.wait_for_function("performance.getEntriesByName('ready').length")
    ready = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    page.wait_for_load_state("networkidle")
    context.close()
    return ready, sum(sizes)


def follow(browser: Browser, address: str) -> list[float]:
    """Return the milliseconds from each movement of the pen to its answer on the page."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("performance.getEntriesByName('ready').length")
    page.evaluate(FOLLOW)
    box = page.locator("#draw-pad canvas").bounding_box()
    assert box
    seen = 0
    for k, digit in enumerate("407"):
        for stroke in digit_strokes(digit):
            points = box["height"] * (stroke * 0.5 + (0.3 + 0.6 * k, 0.2))
            page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
            page.mouse.down()
            for x, y in points[1::2]:
                page.mouse.move(box["x"] + x, box["y"] + y)
                page.wait_for_function(f"window.delays.length > {seen}", timeout=5000)
                seen = page.evaluate("window.delays.length")
            page.mouse.up()
    delays: list[float] = page.evaluate("window.delays")
    context.close()
    return delays


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the start of the page and of its answers."""
    ready, answered, size = result["ready_ms"], result["follow_ms"], result["bytes"] / 1000
    return [
        row(
            "the page until one can write, in a browser",
            f"{ready['median']:.0f}",
            unit="ms",
            n=ready["n"],
            spread=between(ready["min"], ready["max"], 0),
            also=f"{size:.0f} kB for Draw",
            target="< 300 ms, < 150 kB",
            met=ready["median"] < 300 and size < 150,
        ),
        row(
            "from a movement of the pen to its answer on the page",
            f"{answered['median']:.0f}",
            unit="ms",
            n=answered["n"],
            also=f"95 of 100 within {answered['p95']:.0f} ms",
            target="< 50 ms",
            met=answered["median"] < 50,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if not chromium:
        parser.error("chromium is not here; Debian has it under that name.")
    with service() as (address, *_), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        load(browser, address)  # the browser's own first time
        visits = [load(browser, address) for _ in range(options.repeats)]
        delays = [ms for _ in range(3) for ms in follow(browser, address)]
        browser.close()
    result: dict[str, Any] = {
        "ready_ms": spread([ready for ready, _ in visits]),
        "bytes": visits[0][1],
        "follow_ms": spread(delays) | {"p95": sorted(delays)[int(0.95 * (len(delays) - 1))]},
    }
    print(json.dumps(result, indent=2))
    write("page", result, rows(result))


if __name__ == "__main__":
    main()
