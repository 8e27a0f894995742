#!/usr/bin/env python3
"""Drives the web pages of a real `magpie serve` with a real browser.

    pip install -r requirements.txt
    python drive.py target/release/magpie [--shots DIR] [--chromium /usr/bin/chromium]

Prints a line per scenario; exits with 1 when any failed. The scenarios build on one another.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from playwright.sync_api import expect, sync_playwright

import openai
from support import IMAGES, PHOTOS, TOKEN, VIEWPORTS, Magpie, Watched, ask, check, drop, find, ready, settled, sign_in

KETTLE = "Gander Gooseneck Kettle"
HOSTILE = (
    "<img src=x onerror=alert(1)> **bold** [click](javascript:alert(2)) <script>alert(3)</script> "
    "\u202egpj.exe\u202c {{7*7}} <a href='https://example.org'>x</a>. It weighs 3 kg."
)
SCENARIOS = []


def scenario(work):
    SCENARIOS.append(work)
    return work


@scenario
def an_empty_catalogue_is_filled_by_one_click(w):
    ready(w.chat, w.address)
    w.shot(w.chat, "empty")
    w.chat.click("#load-sample")
    expect(w.chat.locator(".prompts")).to_be_visible(timeout=120_000)
    w.shot(w.chat, "welcome")


@scenario
def what_is_sure_is_known_once_it_is_loaded(w):
    photo = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": (PHOTOS / "gander-at-home-1.jpg").read_bytes()}
    # Somebody else, so that the questions to come are not too many of one user.
    other = w.page(w.address)
    answer = other.request.post(f"{w.address}/api/similar", multipart={"photo": photo})
    check(answer.ok and answer.json()["confident"], "a photo of a catalogued product is a confident match")
    other.context.close()


@scenario
def a_dropped_photo_brings_thumbnails_and_an_extract(w):
    drop(w.chat, PHOTOS / "gander-at-home-1.jpg")
    expect(w.chat.locator(".chip img")).to_be_visible()
    turn = ask(w.chat, "How much does this weigh?")
    expect(turn.locator(".mine img")).to_be_visible()
    first = turn.locator(".match").first
    expect(first).to_contain_text(KETTLE)
    expect(turn.locator(".match-line")).to_have_text("Found in the catalogue")
    expect(first.locator(".word")).to_have_text("Very close")
    expect(first.locator(".score")).to_contain_text(re.compile(r"\d[.,]\d\d"))
    settled(turn)
    check(first.locator("img").evaluate("i => i.complete && i.naturalWidth > 0"), "the thumbnail is not shown")
    expect(turn.locator(".prose").last).to_contain_text("1.2 kg")
    expect(turn.locator(".origin")).to_contain_text("Quoted from the catalogue")
    check("1.2 kg" in w.chat.locator("#announcer").text_content(), "the answer is not announced")


@scenario
def a_follow_up_needs_no_photo(w):
    turn = settled(ask(w.chat, "How much water does it hold?"))
    expect(turn.locator(".prose").last).to_contain_text("0.9 lit")


@scenario
def feedback_is_taken(w):
    pills = w.chat.locator(".turn").first.locator(".pill")
    check(pills.count() >= 3, f"{pills.count()} buttons below the answer, wanted three")
    before = w.chat.locator(".turn").count()
    thumb = pills.filter(has_text="👍")
    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "true")
    asked = settled(w.chat.locator(".turn").nth(before))
    expect(asked.locator(".problem")).to_have_count(0)
    expect(asked.locator(".prose")).to_contain_text("May I keep this?")
    w.shot(w.chat, "consent")
    asked.locator(".pill").first.click()
    thanks = settled(w.chat.locator(".turn").nth(before + 1))
    expect(thanks.locator(".prose")).to_contain_text("noted")
    # Who agreed once is not asked again.
    pills.filter(has_text="👎").click()
    expect(settled(w.chat.locator(".turn").nth(before + 2)).locator(".prose")).to_contain_text("noted")


@scenario
def a_source_opens_the_product_card(w):
    w.chat.locator(".sources button").first.click()
    card = w.chat.locator("dialog[open]")
    expect(card.locator("h2")).to_have_text(KETTLE)
    expect(card.locator(".description")).to_contain_text("gooseneck")
    expect(card.locator(".attributes")).to_contain_text("1.2 kg")
    expect(card.locator(".stage img")).to_be_visible()
    w.shot(w.chat, "product")
    w.chat.keyboard.press("Escape")
    expect(card).to_have_count(0)
    check(w.chat.evaluate("document.activeElement.closest('.sources') !== null"), "focus did not return")


@scenario
def typed_commands_work(w):
    turn = settled(ask(w.chat, "/help"))
    expect(turn.locator(".prose").first).to_contain_text("/similar")


@scenario
def the_keyboard_alone_suffices(w):
    w.chat.focus("#question")
    w.chat.keyboard.type("one")
    w.chat.keyboard.press("Shift+Enter")
    w.chat.keyboard.type("two")
    check(w.chat.input_value("#question") == "one\ntwo", "Shift+Enter does not begin a line")
    w.chat.fill("#question", "")
    w.chat.set_input_files("#files", str(PHOTOS / "chorus-at-home-1.jpg"))
    w.chat.keyboard.press("Shift+Tab")
    check("chip-remove" in w.chat.evaluate("document.activeElement.className"), "the photo's button is out of reach")
    w.chat.keyboard.press("Enter")
    expect(w.chat.locator(".chip")).to_have_count(0)
    check(w.chat.evaluate("document.activeElement.id") == "question", "focus is lost with the chip")


@scenario
def a_wrong_file_is_refused_and_nothing_typed_is_lost(w):
    letter = w.scratch / "letter.txt"
    letter.write_text("Dear Magpie, this is not a photo.")
    turn = settled(ask(w.chat, "What is in my letter?", letter))
    words = turn.locator(".problem p").inner_text()
    check("letter.txt" in words and len(words.split()) >= 4, f"not a sentence about the file: {words!r}")
    expect(w.chat.locator("#question")).to_have_value("What is in my letter?")
    expect(w.chat.locator(".chip")).to_contain_text("letter.txt")
    w.shot(w.chat, "refused")
    w.chat.locator(".chip-remove").click()
    w.chat.fill("#question", "")


@scenario
def without_network_nothing_is_lost_and_retry_works(w):
    w.chat.context.set_offline(True)
    turn = settled(ask(w.chat, "How heavy is it?", PHOTOS / "gander-at-home-1.jpg"))
    expect(turn.locator(".problem")).to_contain_text("cannot be reached")
    w.chat.context.set_offline(False)
    turn.get_by_role("button", name="Try again").click()
    expect(turn.locator(".match").first).to_contain_text(KETTLE)
    expect(turn.locator(".mine img")).to_be_visible()
    settled(turn)
    expect(turn.locator(".problem")).to_have_count(0)


@scenario
def an_answer_that_breaks_off_says_so(w):
    part = 'event: growing\r\ndata: {"markup": [{"kind": "paragraph",\r\ndata: "spans": [{"text": "It wei"}]}]}\r\n\r\nevent: ans'
    w.chat.route("**/api/ask", lambda route: route.fulfill(content_type="text/event-stream", body=part))
    turn = settled(ask(w.chat, "How heavy is it?"))
    w.chat.unroute("**/api/ask")
    expect(turn.locator(".prose")).to_have_text("It wei")
    expect(turn.locator(".problem")).to_contain_text("broke")
    turn.get_by_role("button", name="Edit and send again").click()
    expect(w.chat.locator("#question")).to_have_value("How heavy is it?")
    w.chat.fill("#question", "")


@scenario
def strangers_change_nothing(w):
    ready(w.chat, w.address, "/admin")
    expect(w.chat.locator("#token")).to_be_visible()
    expect(w.chat.locator("#catalogue")).to_be_hidden()
    w.chat.fill("#token", "wrong")
    w.chat.press("#token", "Enter")
    expect(w.chat.locator(".refused")).not_to_be_empty()
    w.shot(w.chat, "sign-in")
    for method, path in [
        ("GET", "/api/products"), ("GET", "/api/log"), ("GET", "/api/stats"), ("GET", "/api/export"),
        ("POST", "/api/undo"), ("POST", "/api/sample"), ("DELETE", "/api/products/LM-KT3"),
    ]:
        answer = w.chat.request.fetch(w.address + path, method=method)
        check(answer.status in (401, 403), f"{method} {path} answered {answer.status}")
        check("problem+json" in answer.headers["content-type"], f"{method} {path} sent no problem document")


@scenario
def the_token_link_signs_in_and_leaves_the_address_bar(w):
    sign_in(w.admin, w.address)
    check("token" not in w.admin.url, f"the address still holds it: {w.admin.url}")
    expect(w.admin.locator("#stats")).to_contain_text(re.compile(r"Products: [1-9]\d"))
    w.shot(w.admin, "catalogue")


@scenario
def a_product_is_removed(w):
    find(w.admin, "gooseneck").first.locator("button").click()
    w.admin.get_by_role("button", name="Remove", exact=True).click()
    w.shot(w.admin, "remove")
    w.admin.locator(".confirm .danger").click()
    expect(w.admin.locator("#nothing")).to_contain_text("gooseneck")


@scenario
def pictures_dropped_together_become_one_product(w):
    drop(w.admin, IMAGES / "gander-1.jpg", IMAGES / "gander-2.jpg")
    expect(w.admin.locator("dialog .picked img")).to_have_count(2)
    w.admin.fill("[name=title]", "Kitchen goose")
    w.admin.fill("[name=id]", "GOOSE-1")
    w.admin.fill("[name=description]", "The kitchen goose pours tea. It weighs 1.7 kg. It was made in Bremen.")
    w.admin.get_by_role("button", name="Add attribute").click()
    w.admin.locator(".row input").nth(0).fill("price")
    w.admin.locator(".row input").nth(1).fill("€19")
    w.shot(w.admin, "add")
    w.admin.locator("dialog [type=submit]").click()
    expect(w.admin.locator("dialog[open]")).to_have_count(0)
    expect(w.admin.locator(".toasts")).to_contain_text("Kitchen goose")
    tiles = find(w.admin, "Bremen")
    expect(tiles).to_have_count(1)
    expect(tiles.first).to_contain_text("Pictures: 2")


@scenario
def a_near_duplicate_is_named_before_it_is_added(w):
    w.admin.click("#add")
    w.admin.set_input_files("dialog input[type=file]", str(IMAGES / "gander-1.jpg"))
    w.admin.fill("[name=description]", "The same kettle once more.")
    w.admin.locator("dialog [type=submit]").click()
    twin = w.admin.locator(".duplicate")
    expect(twin).to_contain_text("Kitchen goose")
    expect(twin.get_by_role("button", name="Add anyway")).to_be_visible()
    w.shot(w.admin, "duplicate")
    w.admin.get_by_role("button", name="Cancel").click()


@scenario
def what_was_added_is_found_by_another_photo(w):
    ready(w.chat, w.address)
    turn = settled(ask(w.chat, "How much does it weigh?", PHOTOS / "gander-at-home-1.jpg"))
    expect(turn.locator(".match").first).to_contain_text("Kitchen goose")
    expect(turn.locator(".prose").last).to_contain_text("1.7 kg")


@scenario
def a_product_is_edited_and_undone(w):
    find(w.admin, "Bremen").first.locator("button").click()
    w.admin.get_by_role("button", name="Edit").click()
    w.admin.locator("dialog textarea").fill("The kitchen goose was made in Oslo.")
    w.admin.get_by_role("button", name="Save").click()
    expect(w.admin.locator(".description")).to_contain_text("Oslo")
    w.admin.keyboard.press("Escape")
    w.admin.click("#undo")
    expect(find(w.admin, "made in Bremen")).to_have_count(1)


@scenario
def what_was_added_is_undone_and_gone(w):
    w.admin.click("#undo")
    expect(w.admin.locator(".toasts")).to_contain_text("GOOSE-1")
    find(w.admin, "Kitchen goose")
    expect(w.admin.locator("#nothing")).to_be_visible()
    ready(w.chat, w.address)
    turn = settled(ask(w.chat, "What is it?", PHOTOS / "gander-at-home-1.jpg"))
    expect(turn).not_to_contain_text("Kitchen goose")


@scenario
def the_history_tells_all_of_it(w):
    w.admin.click("#history")
    changes = w.admin.locator(".changes")
    expect(changes).to_contain_text("Added")
    expect(changes).to_contain_text("Removed")
    expect(changes).to_contain_text("Taken back")
    w.shot(w.admin, "history")
    w.admin.keyboard.press("Escape")
    answer = w.admin.request.get(w.address + "/api/export")
    check(answer.body()[:2] == b"PK", "the export is no zip archive")
    w.export = w.scratch / "export.zip"
    w.export.write_bytes(answer.body())


@scenario
def an_archive_is_imported(w):
    w.admin.click("#import")
    w.admin.set_input_files("dialog input[type=file]", str(w.export))
    expect(w.admin.locator("dialog")).to_contain_text("Added: 0", timeout=120_000)
    w.shot(w.admin, "import")
    w.admin.keyboard.press("Escape")


@scenario
def hostile_words_stay_words(w):
    w.admin.fill("#words", "")
    w.admin.click("#add")
    w.admin.set_input_files("dialog input[type=file]", str(IMAGES / "gander-1.jpg"))
    w.admin.fill("[name=title]", "<img src=x onerror=alert(9)>")
    w.admin.fill("[name=description]", HOSTILE)
    w.admin.locator("dialog [type=submit]").click()
    expect(w.admin.locator("dialog[open]")).to_have_count(0)
    tile = find(w.admin, "onerror").first
    expect(tile).to_contain_text("<img src=x onerror=alert(9)>")
    tile.locator("button").click()
    words = w.admin.locator(".description").text_content()
    check("<script>alert(3)</script>" in words and "**bold**" in words, f"shown as {words!r}")
    check("\u202e" not in words, "the override mark is shown")
    w.shot(w.admin, "hostile")
    w.admin.keyboard.press("Escape")
    ready(w.chat, w.address)
    turn = settled(ask(w.chat, "How much does it weigh?", PHOTOS / "gander-at-home-1.jpg"))
    expect(turn.locator(".match").first).to_contain_text("<img src=x")
    turn.locator(".match button").first.click()
    expect(w.chat.locator("dialog .description")).to_contain_text("<a href='https://example.org'>")
    check(w.chat.locator("dialog script, dialog [onerror], dialog a[href*='example.org']").count() == 0, "markup took effect")
    w.chat.keyboard.press("Escape")
    w.chat.wait_for_timeout(500)


@scenario
def a_new_conversation_forgets(w):
    w.chat.click("#new")
    expect(w.chat.locator(".turn")).to_have_count(0)
    expect(w.chat.locator("#welcome")).to_be_visible()


@scenario
def nothing_is_wider_than_320_pixels(w):
    page = w.page(w.address, viewport={"width": 320, "height": 640})
    ready(page, w.address)
    settled(ask(page, "What is this?", PHOTOS / "chorus-at-home-1.jpg", PHOTOS / "chorus-at-home-2.jpg"))
    for where in ("chat", "admin"):
        if where == "admin":
            sign_in(page, w.address)
            expect(page.locator(".tile").first).to_be_visible()
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        check(wider <= 0, f"the {where} page is {wider} pixels wider than the screen")
    page.context.close()


@scenario
def german_is_complete(w):
    page = w.page(w.address, locale="de-DE")
    ready(page, w.address)
    check(page.evaluate("document.documentElement.lang") == "de", "the page does not say it is German")
    expect(page.locator("#welcome h2")).to_have_text("Was hast du vor dir?")
    check("web-" not in page.locator("body").inner_text(), "a key is shown in place of its words")
    page.context.close()


@scenario
def both_sizes_and_both_themes_are_pictured(w):
    for size, viewport in VIEWPORTS.items():
        for scheme in ("light", "dark"):
            page = w.page(w.address, viewport=viewport, color_scheme=scheme, has_touch=size == "phone")
            ready(page, w.address)
            w.shot(page, f"{size}-{scheme}-welcome")
            turn = settled(ask(page, "How much can it carry?", PHOTOS / "porter-6-at-home-1.jpg"))
            expect(turn.locator(".match img").first).to_be_visible()
            w.shot(page, f"{size}-{scheme}-answer")
            page.locator(".match button").first.click()
            w.shot(page, f"{size}-{scheme}-product")
            sign_in(page, w.address)
            expect(page.locator(".tile img").first).to_be_visible()
            w.shot(page, f"{size}-{scheme}-catalogue")
            page.context.close()


@scenario
def a_models_answer_grows(w):
    page = w.page(w.model.address)
    ready(page, w.model.address)
    page.click("#load-sample")
    expect(page.locator(".prompts")).to_be_visible(timeout=120_000)
    turn = ask(page, "How much does this weigh?", PHOTOS / "gander-at-home-1.jpg")
    seen = []
    while turn.locator(".reply").get_attribute("aria-busy") == "true" and len(seen) < 400:
        if turn.locator(".growing").count():
            words = turn.locator(".prose").last.text_content(timeout=5_000)
            if not seen or words != seen[-1]:
                seen.append(words)
        time.sleep(0.03)
    check(len(seen) >= 2, f"seen growing {len(seen)} times")
    check(all(len(a) <= len(b) for a, b in zip(seen, seen[1:])), f"it shrank: {seen}")
    expect(turn.locator(".prose strong")).to_have_text("1.2 kg")
    expect(turn.locator(".origin")).to_contain_text("Written by the vision model")
    expect(turn.locator(".sources")).to_contain_text(KETTLE)
    w.shot(page, "model")
    stopped = ask(page, "And again?")
    expect(stopped.locator(".growing")).to_be_visible()
    page.click("#stop")
    expect(stopped).to_contain_text("Stopped.")
    expect(page.locator("#send")).to_be_visible()
    page.context.close()


@scenario
def an_access_token_guards_the_chat(w):
    guarded = Magpie(w.program, MAGPIE__WEB__ACCESS_TOKEN="browser-test-access-token")
    page = w.page(guarded.address)
    ready(page, guarded.address)
    expect(page).to_have_url(guarded.address + "/login")
    check(page.request.get(guarded.address + "/api/images/1/thumbnail").status == 401, "pictures are open")
    page.fill("#token", "wrong")
    page.press("#token", "Enter")
    expect(page.locator(".refused")).not_to_be_empty()
    page.fill("#token", "browser-test-access-token")
    page.press("#token", "Enter")
    expect(page.locator("#question")).to_be_visible()
    expect(page.locator("#to-catalogue")).to_be_hidden()
    page.context.close()
    check(guarded.stop() == 0, "it did not end well")


@scenario
def no_page_did_what_it_must_not(w):
    faults = [fault for watched in w.watched for fault in watched.faults]
    check(not faults, "; ".join(faults[:5]))


@scenario
def sigterm_ends_it_well(w):
    for magpie in (w.magpie, w.model):
        code = magpie.stop()
        check(code == 0, f"exit code {code}")


def main():
    arguments = argparse.ArgumentParser(description="Drives Magpie's web pages with a browser.")
    arguments.add_argument("magpie", help="the program, target/release/magpie")
    arguments.add_argument("--shots", type=Path, help="a directory for screenshots")
    arguments.add_argument("--chromium", default="/usr/bin/chromium")
    given = arguments.parse_args()
    program = str(Path(given.magpie).resolve())
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        world = build(browser, program, given.shots, Path(scratch))
        failed = run(world)
        browser.close()
        world.magpie.stop()
        world.model.stop()
    sys.exit(1 if failed else 0)


def build(browser, program, shots, scratch):
    world = SimpleNamespace(program=program, scratch=scratch, watched=[])
    world.magpie = Magpie(program)
    world.model = Magpie(program, OPENAI_BASE_URL=openai.start(), OPENAI_API_KEY="test")
    world.address = world.magpie.address

    def page(address, **context):
        options = {"viewport": VIEWPORTS["desktop"], "locale": "en-GB", **context}
        new = browser.new_context(**options).new_page()
        new.set_default_timeout(20_000)
        world.watched.append(Watched(new, address))
        return new

    def shot(of, name):
        if shots:
            shots.mkdir(parents=True, exist_ok=True)
            of.wait_for_timeout(400)
            of.screenshot(path=shots / f"{name}.png")

    world.page, world.shot = page, shot
    world.chat, world.admin = page(world.address), page(world.address)
    return world


def run(world):
    failed = 0
    for work in SCENARIOS:
        name = work.__name__.replace("_", " ")
        try:
            work(world)
            print(f"ok    {name}", flush=True)
        except Exception as error:  # Whatever went wrong, the next scenario may still tell something.
            failed += 1
            said = world.chat.locator(".turn").all_inner_texts()[-1:]
            for page in (world.chat, world.admin):
                page.evaluate("document.querySelectorAll('dialog[open]').forEach((d) => d.close())")
            reason = " ".join(str(error).split())[:400]
            print(f"FAIL  {name}: {reason}; the chat's last turn: {said}", flush=True)
    print(f"{len(SCENARIOS) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    main()
