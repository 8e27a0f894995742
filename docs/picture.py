"""Draws docs/magpie.png from what the program really answers.

    python3 docs/picture.py [target/release/magpie]

Imports kb/ into a throw-away directory, asks about three customers' photos, lays question,
matches and answer out as a page and photographs it with headless Chromium (Debian: chromium).
"""

import html
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ASKED = [
    ("hearth-13-at-home-1.jpg", "How much energy does it store?"),
    ("gander-at-home-1.jpg", "How much does this weigh?"),
    ("porter-6-at-home-1.jpg", "How much can it carry?"),
]
STYLE = """
body{margin:0;padding:28px;background:#f4f2ee;font:16px/1.45 'DejaVu Sans',sans-serif;color:#1d1d1f}
.row{display:grid;grid-template-columns:210px 1fr;gap:24px;background:#fff;border-radius:14px;
padding:20px;margin-bottom:18px;box-shadow:0 1px 3px #0002}
.row>img{width:210px;height:210px;object-fit:cover;border-radius:10px}
.q{font-weight:bold;margin:0 0 12px}
.m{display:flex;gap:14px;margin-bottom:12px}
.m figure{margin:0;width:96px;font-size:11px;color:#555}
.m img{width:96px;height:96px;object-fit:cover;border-radius:8px;border:2px solid transparent}
.m figure:first-child img{border-color:#2a7d4f}
.a{margin:0}
"""


def ask(magpie, data, photo, question):
    command = [magpie, "ask", ROOT / "kb/photos" / photo, question, "--data", data, "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def row(photo, question, answer):
    matches = "".join(
        f'<figure><img src="{(ROOT / "kb" / m["image"]).as_uri()}">'
        f'{m["score"]:.2f} {html.escape(m["title"])}</figure>'
        for m in answer["matches"][:4]
    )
    return (
        f'<div class="row"><img src="{(ROOT / "kb/photos" / photo).as_uri()}"><div>'
        f'<p class="q">{html.escape(question)}</p><div class="m">{matches}</div>'
        f'<p class="a">{html.escape(answer["answer"])}</p></div></div>'
    )


def main():
    magpie = sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/magpie"
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        data = scratch / "data"
        subprocess.run([magpie, "kb", "import", ROOT / "kb", "--data", data], check=True)
        rows = "".join(row(p, q, ask(magpie, data, p, q)) for p, q in ASKED)
        page = scratch / "page.html"
        page.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{rows}")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--no-first-run", f"--user-data-dir={scratch / 'profile'}",
             "--window-size=940,960", f"--screenshot={ROOT / 'docs/magpie.png'}", page.as_uri()],
            check=True,
        )


main()
