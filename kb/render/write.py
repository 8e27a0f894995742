#!/usr/bin/env python3
"""Write the catalogue's text files beside its pictures, and check that they fit together.

    python3 kb/render/write.py           # writes description.json, photos/labels.csv, photos/questions.jsonl
    python3 kb/render/write.py --check   # writes nothing; exits 1 and says what is wrong
"""

import csv
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from products import PRODUCTS, UNANSWERABLE  # noqa: E402

KB = Path(__file__).resolve().parent.parent


def write():
    with open(KB / "description.json", "w", encoding="utf-8", newline="\n") as f:
        for p in PRODUCTS:
            for k in range(len(p["shots"])):
                # Every row stands alone: several rows with one id are several pictures of it.
                row = {"image_path": f"images/{p['slug']}-{k + 1}.jpg", "description": p["description"],
                       "id": p["id"], "title": p["title"], "category": p["category"], "price": p["price"],
                       "url": f"https://example.com/larkmere/{p['slug']}", **p["attributes"]}
                f.write(json.dumps(row, ensure_ascii=False) + "\n")
    (KB / "photos").mkdir(exist_ok=True)
    with open(KB / "photos/labels.csv", "w", encoding="utf-8", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["photo", "product_id", "category"])
        for name, p, _ in photos():
            w.writerow([name, p["id"], p["category"]])
    with open(KB / "photos/questions.jsonl", "w", encoding="utf-8", newline="\n") as f:
        for name, p, (question, expect) in photos():
            if name in UNANSWERABLE:
                question, expect = UNANSWERABLE[name], None
            f.write(json.dumps({"photo": name, "question": question, "product_id": p["id"], "expect": expect},
                               ensure_ascii=False) + "\n")


def photos():
    for p in PRODUCTS:
        for k, qa in zip(range(len(p["photos"])), p["questions"]):
            yield f"{p['slug']}-at-home-{k + 1}.jpg", p, qa


def check():
    wrong = []
    rows = [json.loads(line) for line in open(KB / "description.json", encoding="utf-8")]
    by_id = {}
    for n, r in enumerate(rows, 1):
        for k in ("image_path", "description", "id", "title", "category", "price", "url"):
            if not r.get(k):
                wrong.append(f"description.json:{n}: no {k}")
        wrong += [f"description.json:{n}: {k} is not a string" for k, v in r.items() if not isinstance(v, str)]
        if not (KB / r["image_path"]).is_file():
            wrong.append(f"description.json:{n}: no file {r['image_path']}")
        if not 60 <= len(r["description"].split()) <= 120:
            wrong.append(f"description.json:{n}: {len(r['description'].split())} words")
        by_id.setdefault(r["id"], []).append(r)
    for id, same in by_id.items():
        if len(same) < 2:
            wrong.append(f"{id}: only one image")
        if len({json.dumps({k: v for k, v in r.items() if k != "image_path"}, sort_keys=True) for r in same}) != 1:
            wrong.append(f"{id}: its rows disagree")
    if len({r["image_path"] for r in rows}) != len(rows):
        wrong.append("an image is named twice")
    labels = list(csv.DictReader(open(KB / "photos/labels.csv", encoding="utf-8")))
    for r in labels:
        if not (KB / "photos" / r["photo"]).is_file():
            wrong.append(f"labels.csv: no file {r['photo']}")
        if r["product_id"] not in by_id or by_id[r["product_id"]][0]["category"] != r["category"]:
            wrong.append(f"labels.csv: {r['photo']}: id or category")
    wrong += [f"{id}: no customer's photo" for id in by_id if id not in {r["product_id"] for r in labels}]
    asked = [json.loads(line) for line in open(KB / "photos/questions.jsonl", encoding="utf-8")]
    if [(r["photo"], r["product_id"]) for r in labels] != [(q["photo"], q["product_id"]) for q in asked]:
        wrong.append("labels.csv and questions.jsonl disagree")
    for q in asked:
        r = by_id[q["product_id"]][0]
        if q["expect"] is not None and not any(q["expect"] in v for k, v in r.items() if k not in ("url", "image_path")):
            wrong.append(f"questions.jsonl: {q['photo']}: {q['expect']!r} is not in the catalogue")
    for folder, known in (("images", {r["image_path"].split("/")[1] for r in rows}), ("photos", {r["photo"] for r in labels})):
        wrong += [f"{folder}/{f.name}: in no list" for f in (KB / folder).glob("*.jpg") if f.name not in known]
    print(f"{len(by_id)} products, {len(rows)} images, {len(labels)} photos, "
          f"{sum(q['expect'] is None for q in asked)} questions without an answer")
    for w in wrong:
        print("wrong:", w)
    return 1 if wrong else 0


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(check())
    write()
    sys.exit(check())
