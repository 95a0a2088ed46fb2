"""The page in a browser: drawing, photos, corrections, the keyboard, a phone.

Needs Debian's chromium. Without it these tests are skipped, and fail in CI.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from digitscope import read
from digitscope.synthesis.faulty_pages import digit_strokes, write_page

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
expect.set_options(timeout=30_000)  # ms; how long a busy machine may take to show something
VIEWS = ("draw", "photo", "inside", "playground")


@pytest.fixture(scope="module")
def service():
    command = [sys.executable, "-m", "digitscope", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


@pytest.fixture(scope="module")
def address(service):
    return service.stdout.readline().strip()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open a view in a browser of the given kind; any error in it fails the test."""
    contexts, wrong = [], []

    def open_view(view="draw", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on(
            "response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status > 399 else None
        )
        page.goto(f"{address}/#{view}")
        expect(page.locator("#model option").first).to_be_attached()
        return page

    yield open_view
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "till roll.png"
    cv2.imwrite(str(path), write_page(["4207 65", "9 1352"]))
    return path


def pen(page, pad, digit, left, top, height):
    """Draw a digit with the mouse; place and height by the height of the pad."""
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for stroke in digit_strokes(digit):
        points = stroke * height + (left, top)
        places = [(box["x"] + x * box["height"], box["y"] + y * box["height"]) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def pad_of(page, view):
    return page.locator(f"[data-view={view}] .pad canvas")


def test_a_7_drawn_with_the_mouse_is_read_undone_and_brought_back(visit):
    page = visit()
    text = page.locator("#draw-text")
    pen(page, pad_of(page, "draw"), "7", 0.4, 0.2, 0.55)
    expect(text).to_have_text("7")
    expect(page.locator("#draw-spoken")).to_have_text("7")
    expect(page.locator("#draw-digits button")).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(text).to_have_text("")
    expect(page.locator("#draw-digits button")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(text).to_have_text("7")


def test_several_digits_are_read_while_they_are_written(visit):
    page = visit()
    for k, (digit, expected) in enumerate([("4", "4"), ("0", "40"), ("7", "407")]):
        pen(page, pad_of(page, "draw"), digit, 0.3 + 0.55 * k, 0.2, 0.5)
        expect(page.locator("#draw-text")).to_have_text(expected)
    labels = page.locator("#draw-digits b").all_inner_texts()
    assert labels == ["4", "0", "7"]


def test_a_stroke_can_be_taken_back_while_it_is_drawn(visit):
    page = visit()
    pad = pad_of(page, "draw")
    pen(page, pad, "7", 0.4, 0.2, 0.55)
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 400, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 450, box["y"] + 150)
    pad.press("Control+z")
    page.mouse.move(box["x"] + 900, box["y"] + 150, steps=5)
    page.mouse.up()
    expect(page.locator("#draw-text")).to_have_text("7")
    expect(page.locator("#draw-digits button")).to_have_count(1)


def test_a_decimal_number_keeps_its_minus_and_its_point(visit, tmp_path):
    page = visit("photo")
    sheet = write_page(["37", "52"])
    cv2.rectangle(sheet, (8, 58), (30, 62), 30, -1)
    Image.fromarray(sheet).save(tmp_path / "signs.png")
    expected = read(tmp_path / "signs.png").text
    page.locator("#photo-file").set_input_files(tmp_path / "signs.png")
    expect(page.locator("#photo-text")).to_have_text(re.compile(r"\s*".join(expected.split())))
    assert json.loads(saved(page, "JSON")[1])["text"] == expected


def test_what_is_no_digit_is_said_to_be_none(visit):
    page = visit()
    box = pad_of(page, "draw").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 60, box["y"] + box["height"] / 2, steps=20)
    page.mouse.up()
    expect(page.locator("#draw-text")).to_have_text("no digit")


def test_a_digit_is_looked_into_with_the_networks_own_numbers(visit, digits):
    page = visit()
    pen(page, pad_of(page, "draw"), "7", 0.4, 0.2, 0.55)
    page.get_by_role("button", name=re.compile("^7, .* look inside")).click()
    expect(page).to_have_url(re.compile("#inside$"))
    expect(page.locator(".verdict")).to_contain_text("7")
    expect(page.locator("#inside")).to_contain_text("the same to")
    expect(page.locator(".cells button")).to_have_count(128)
    expect(page.locator(".way li").first).to_contain_text("The picture")
    # What is written out is a sum: x·W + b = y, and y after the activation.
    for row in (page.locator(".cells button").nth(5), page.locator(".bars button").nth(3)):
        row.hover()
        said = page.locator(".sum pre").inner_text().replace("\N{MINUS SIGN}", "-")
        product, bias = re.search(r"= (-?[\d.]+) \+ \(?(-?[\d.]+)\)?\n", said).groups()
        total = float(re.search(r"\n  = (-?[\d.]+)\n[AB]", said)[1])
        assert float(product) + float(bias) == pytest.approx(total, abs=0.0021)
    page.locator("canvas[aria-label^='The 28×28']").hover()
    expect(page.locator("#inside")).to_contain_text(re.compile(r"Row \d+, column \d+: \d+"))


def drop(page, path, place="#photo-drop"):
    """Drop a file on the page, as from the desktop."""
    content = list(path.read_bytes())
    transfer = page.evaluate_handle(
        """([content, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(content)], name, {type: "image/png"}));
            return transfer;
        }""",
        [content, path.name],
    )
    page.dispatch_event(place, "drop", {"dataTransfer": transfer})


def saved(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_photo_is_dropped_corrected_and_saved(visit, photo):
    page = visit("photo")
    drop(page, photo)
    text = page.locator("#photo-text")
    expect(text).to_have_text(re.compile(r"4207 65\s*9 1352"))
    marks = page.locator("#photo-figure g")
    expect(marks).to_have_count(11)

    page.get_by_role("button", name=re.compile("^9, ")).click()
    page.get_by_role("dialog").get_by_role("button", name="4", exact=True).click()
    expect(text).to_have_text(re.compile(r"4207 65\s*4 1352"))
    page.get_by_role("button", name=re.compile("^6, ")).click()
    page.get_by_role("button", name="No digit").click()
    expect(text).to_have_text(re.compile(r"4207 5\s*4 1352"))

    name, content = saved(page, "JSON")
    assert name == "till roll.json"
    answer = json.loads(content)
    assert answer["text"] == "4207 5\n4 1352"
    changed = [
        d["label"] for line in answer["lines"] for n in line["numbers"] for d in n["digits"]
        if d.get("corrected")
    ]  # fmt: skip
    assert changed == [4]
    name, content = saved(page, "CSV")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["number"] for row in rows] == ["4207", "5", "4", "1352"]
    assert [row["corrected"] for row in rows] == ["false", "true", "true", "false"]
    name, content = saved(page, "Annotated PNG")
    assert name == "till roll-read.png"
    drawn = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).astype(int)
    assert drawn.shape[:2] == cv2.imread(str(photo)).shape[:2]
    assert (drawn.max(2) - drawn.min(2) > 60).any(), "frames in colour"


def test_corrections_are_not_lost_to_a_shortcut(visit, photo):
    page = visit()
    drop(page, photo, "#draw-pad")  # it misses the field, before Photo was ever opened
    text = page.locator("#photo-text")
    expect(text).to_contain_text("4207")
    mark = page.get_by_role("button", name=re.compile("^4, ")).first
    mark.focus()
    page.keyboard.press("Control+0")
    expect(text).to_contain_text("4207")
    page.keyboard.press("3")
    expect(text).to_contain_text("3207")
    name, content = saved(page, "JSON")
    number = json.loads(content)["lines"][0]["numbers"][0]
    assert (name, json.loads(content)["model"]) == ("till roll.json", "page")
    assert (number["text"], number["value"]) == ("3207", 3207)


def test_a_file_that_fails_leaves_the_last_one_as_it_was(browser, address, photo, tmp_path):
    page = browser.new_page()
    page.goto(f"{address}/#photo")
    page.locator("#photo-file").set_input_files(photo)
    expect(page.locator("#photo-text")).to_contain_text("4207")
    (tmp_path / "notes.png").write_text("no picture")
    page.locator("#photo-file").set_input_files(tmp_path / "notes.png")
    expect(page.locator("#photo-status")).to_have_text("Below is still till roll.png.")
    assert saved(page, "JSON")[0] == "till roll.json"
    page.context.close()


def test_a_picture_is_pasted_and_what_is_none_is_said_so(visit, photo, tmp_path):
    page = visit("photo")
    content = list(photo.read_bytes())
    page.evaluate(
        """(content) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([new Uint8Array(content)], "pasted.png"));
            dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        content,
    )
    expect(page.locator("#photo-status")).to_contain_text("pasted.png: 11 digits")


def test_a_picture_chosen_while_the_view_is_being_fetched_is_read(browser, address, photo):
    page = browser.new_page()
    held = []
    page.route("**/photo.js", lambda route: held.append(route))
    with page.expect_request("**/photo.js"):
        page.goto(f"{address}/#photo")
    page.locator("#photo-file").set_input_files(photo)
    held[0].continue_()
    expect(page.locator("#photo-text")).to_contain_text("4207")
    page.context.close()


def test_what_is_no_picture_gets_one_sentence(browser, address, tmp_path):
    # Not by `visit`: the browser itself notes every 4xx in its console.
    page = browser.new_page()
    page.goto(f"{address}/#photo")
    (tmp_path / "notes.png").write_text("no picture")
    page.locator("#photo-file").set_input_files(tmp_path / "notes.png")
    expect(page.locator("#problem")).to_contain_text("is not a picture")
    expect(page.locator("#photo-result")).to_be_hidden()
    page.context.close()


def test_everything_can_be_done_with_the_keyboard_alone(visit, photo):
    page = visit("photo")
    page.locator("#photo-file").set_input_files(photo)
    expect(page.locator("#photo-text")).to_contain_text("4207")
    page.keyboard.press("Tab")
    while not page.evaluate("document.activeElement.closest('#photo-figure') !== null"):
        page.keyboard.press("Tab")
    page.keyboard.press("8")
    expect(page.locator("#photo-text")).to_contain_text("8207")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    expect(page.locator("#photo-text")).to_contain_text("807")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    page = visit()
    while not page.evaluate("document.activeElement.matches('.pad canvas')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#draw-text")).to_have_text("1")
    page.keyboard.press("Control+z")
    expect(page.locator("#draw-text")).to_have_text("")


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_runs_off_a_phone_or_is_too_small_to_touch(visit, view):
    page = visit(view, **PHONE)
    expect(page.locator(f"[data-view={view}] h1")).to_be_visible()
    page.wait_for_load_state("networkidle")
    if view == "inside":
        pen(page, pad_of(page, view), "3", 0.35, 0.2, 0.55)
        expect(page.locator(".cells button").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, a, summary")]
            .filter((e) => e.offsetParent && e.type !== "file" && !e.closest("p"))
            .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 22)
            .map(([html]) => html)"""
    )
    assert not small


def test_a_finger_draws(visit):
    page = visit(**PHONE)
    box = pad_of(page, "draw").bounding_box()
    session = page.context.new_cdp_session(page)
    [points] = digit_strokes("7")
    points = points * 0.55 + (0.3, 0.25)
    for k, (x, y) in enumerate(points):
        place = {"x": box["x"] + x * box["height"], "y": box["y"] + y * box["height"]}
        kind = "touchMove" if k else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#draw-text")).to_have_text("7")
    assert page.evaluate("scrollY") == 0, "the page does not move under the finger"


def test_a_second_finger_and_a_turned_phone_take_nothing_away(visit):
    page = visit(**PHONE)
    box = pad_of(page, "draw").bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind, *fingers):
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": i}
            for i, (x, y) in enumerate(fingers)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.5, 0.3))
    for k in range(1, 10):
        touch("touchMove", (0.5, 0.3 + 0.02 * k))
    touch("touchStart", (0.5, 0.5), (0.9, 0.9))  # which the next movement is without
    for k in range(1, 11):
        touch("touchMove", (0.5, 0.5 + 0.02 * k))
    touch("touchEnd")
    expect(page.locator("#draw-text")).to_have_text("1")
    page.set_viewport_size({"width": 740, "height": 360})
    turned = pad_of(page, "draw").bounding_box()
    assert turned["width"] / turned["height"] == pytest.approx(
        box["width"] / box["height"], rel=0.01
    )
    page.get_by_role("button", name="Clear").click()
    free = pad_of(page, "draw").bounding_box()
    assert free["width"] / free["height"] == pytest.approx(3, rel=0.01)


def test_the_theme_is_kept(visit):
    page = visit(color_scheme="light")
    pen(page, pad_of(page, "draw"), "7", 0.4, 0.2, 0.55)
    expect(page.locator("#draw-digits canvas")).to_have_count(1)
    shade = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(shade) == "rgb(251, 250, 247)"
    page.get_by_label("Theme").select_option("dark")
    assert page.evaluate(shade) == "rgb(22, 23, 21)"
    # What was painted follows: light ink on dark.
    corner = "c => [...c.getContext('2d').getImageData(0, 0, 1, 1).data]"
    assert page.locator("#draw-digits canvas").evaluate(corner) == [31, 32, 29, 255]
    page.reload()
    assert page.evaluate(shade) == "rgb(22, 23, 21)"


def set_up(page, run, **settings):
    """Change the settings of a run; the bundled digits are on every machine."""
    run.get_by_text("More settings").click()
    for label, value in ({"Data": "digits"} | settings).items():
        field = run.get_by_label(label, exact=True)
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def test_two_networks_learn_side_by_side_and_are_asked(visit):
    page = visit("playground")
    a, b = (page.get_by_role("region", name=name, exact=True) for name in ("Run A", "Run B"))
    set_up(page, a, Activation="sigmoid", **{"First weights": "zeros", "Epochs": "10"})
    set_up(page, b, Activation="relu", **{"Hidden layers": "64, 32", "Epochs": "30"})
    page.get_by_role("button", name="Train both").click()
    told = []
    for run in (a, b):
        expect(run.locator(".status")).to_contain_text("test images right", timeout=60_000)
        told.append(run.locator(".status").inner_text())
    shares = [float(re.search(r"([\d.]+) % of [\d,]+ test", text)[1]) for text in told]
    assert shares[1] > 85, "ReLU from random weights learns"
    assert shares[0] < shares[1], "units with equal weights must classify worse"
    # Two kernels in A and three in B, and a curve of each.
    labels = [run.locator(".chart canvas").get_attribute("aria-label") for run in (a, b)]
    assert [len(re.findall(r"\b\d [\d.e-]+", label.partition("Now: ")[2])) for label in labels] == [
        2, 3,
    ]  # fmt: skip
    expect(b.locator(".mosaic canvas")).to_have_count(32)
    steps = re.search(r"step (\d+)", told[1])[1]
    b.get_by_role("button", name="Train on").click()
    expect(b.locator(".status")).not_to_contain_text(f"step {steps},")
    expect(b.locator(".status")).to_contain_text("test images right", timeout=60_000)

    pen(page, pad_of(page, "playground"), "1", 0.5, 0.2, 0.6)
    answers = page.locator("#playground .bars")
    expect(answers).to_have_count(2)
    expect(answers.nth(1).locator(".bar")).to_have_count(10)


def test_whoever_presses_twice_trains_once(visit, service):
    page = visit("playground")
    for name in ("Run A", "Run B"):
        run = page.get_by_role("region", name=name, exact=True)
        set_up(page, run, Epochs="100", Batch="1", **{"Hidden layers": "256 256"})
    page.get_by_role("button", name="Train both").dblclick()
    for name in ("Run A", "Run B"):
        status = page.get_by_role("region", name=name, exact=True).locator(".status")
        expect(status).to_contain_text("training, step")
    # What the first press began ends as soon as the second one's runs are there.
    told = (page.evaluate("fetch('/metrics').then((a) => a.text())") for _ in range(1_000))
    assert any("digitscope_playground_runs 2.0" in metrics for metrics in told)


def test_a_run_is_stopped_and_goes_on(visit):
    page = visit("playground")
    run = page.get_by_role("region", name="Run A", exact=True)
    status = run.locator(".status")
    set_up(page, run, Epochs="100", Batch="1", **{"Hidden layers": "256 256"})
    run.get_by_role("button", name="Train").click()
    expect(status).to_contain_text("training, step")
    run.get_by_role("button", name="Stop").click()
    expect(status).to_contain_text("stopped, step")
    stood = status.inner_text()
    run.get_by_role("button", name="Continue").click()
    expect(status).to_contain_text("training, step")
    expect(status).not_to_have_text(stood.replace("stopped", "training"))


def test_a_run_whose_process_is_killed_says_so_and_can_begin_again(visit, service):
    page = visit("playground")
    run = page.get_by_role("region", name="Run A", exact=True)
    set_up(page, run, Epochs="100", Batch="1", **{"Hidden layers": "256 256"})
    run.get_by_role("button", name="Train").click()
    expect(run.locator(".status")).to_contain_text("training, step")
    killed = subprocess.run(
        ["pkill", "-KILL", "-P", str(service.pid), "-f", "trainer_process"], check=False
    )
    assert killed.returncode == 0
    expect(run.get_by_role("status")).to_contain_text("ended from outside")
    expect(run.locator(".status")).to_contain_text("ended from outside (SIGKILL)")
    run.get_by_role("button", name="Train").click()
    expect(run.locator(".status")).to_contain_text("training, step")


def test_settings_that_make_no_sense_are_said_in_one_sentence(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/#playground")
    run = page.get_by_role("region", name="Run A", exact=True)
    run.get_by_label("Hidden layers").fill("9999")
    run.get_by_role("button", name="Train").click()
    wrong = "less than or equal to 512. Received: '9999'"
    expect(run.locator(".status")).to_contain_text(wrong)
    # The other run begins all the same, and hides nothing.
    page.get_by_role("button", name="Train both").click()
    other = page.get_by_role("region", name="Run B", exact=True).locator(".status")
    expect(other).not_to_contain_text("not trained")
    expect(run.locator(".status")).to_contain_text(wrong)
    # A setting out of its range is shown, even in a closed section.
    run.get_by_label("Epochs", exact=True).evaluate("e => { e.value = 0; }")
    expect(run.get_by_label("Epochs", exact=True)).to_be_hidden()
    run.get_by_role("button", name="Train").click()
    expect(run.get_by_label("Epochs", exact=True)).to_be_visible()
    page.context.close()


def test_a_service_with_a_key_is_asked_with_it(browser):
    command = [sys.executable, "-m", "digitscope", "serve", "--port", "0", "--model", "mlp"]
    environment = os.environ | {"DIGITSCOPE_API_KEY": "open sesame"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            page = browser.new_page()
            page.goto(process.stdout.readline().strip())
            key, go_on = (
                page.get_by_role("textbox", name="Key"),
                page.get_by_text("Continue", exact=True),
            )
            key.fill("open, sésame")  # no header can carry it
            go_on.click()
            expect(key).to_be_visible()
            key.fill("open barley")
            go_on.click()
            expect(page.get_by_text("This key is wrong.")).to_be_visible()
            key.fill("open sesame")
            go_on.click()
            expect(page.locator("#card")).to_contain_text(
                re.compile(r"mlp: 101,770 weights, [\d.]+ % of 10,000 test images of mnist right")
            )
            pen(page, pad_of(page, "draw"), "7", 0.4, 0.2, 0.55)
            expect(page.locator("#draw-text")).to_have_text("7")
            page.get_by_role("link", name="Playground").click()
            expect(page.get_by_role("button", name="Train both")).to_be_visible()
            page.context.close()
        finally:
            process.terminate()
