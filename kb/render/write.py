#!/usr/bin/env python3
"""Write the catalogue's text files beside its pictures, and check that they fit together.

    python3 kb/render/write.py           # writes description.json, photos/labels.csv, photos/questions.jsonl
    python3 kb/render/write.py --check   # writes nothing; exits 1 and says what is wrong

questions.jsonl beside description.json is written by hand; it is only checked.
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
        wrong.append("labels.csv and photos/questions.jsonl disagree")
    for q in asked:
        r = by_id[q["product_id"]][0]
        if q["expect"] is not None and not any(q["expect"] in v for k, v in r.items() if k not in ("url", "image_path")):
            wrong.append(f"photos/questions.jsonl: {q['photo']}: {q['expect']!r} is not in the catalogue")
    more = check_questions(by_id, {f"photos/{r['photo']}": r["product_id"] for r in labels}, wrong)
    for folder, known in (("images", {r["image_path"].split("/")[1] for r in rows}), ("photos", {r["photo"] for r in labels})):
        wrong += [f"{folder}/{f.name}: in no list" for f in (KB / folder).glob("*.jpg") if f.name not in known]
    print(f"{len(by_id)} products, {len(rows)} images, {len(labels)} photos, "
          f"{sum(q['expect'] is None for q in asked)} of {len(asked)} photo questions "
          f"and {sum(q.get('facts') is None for q in more)} of {len(more)} in questions.jsonl without an answer")
    for w in wrong:
        print("wrong:", w)
    return 1 if wrong else 0


def check_questions(by_id, shows, wrong):
    """kb/questions.jsonl; `shows` says which product a photo shows."""
    rows = [json.loads(line) for line in open(KB / "questions.jsonl", encoding="utf-8")]
    seen, order, last = set(), list(by_id), 0
    for n, q in enumerate(rows, 1):
        where = f"questions.jsonl:{n}"
        if set(q) != {"photo", "product_id", "question", "facts", "kind"}:
            wrong.append(f"{where}: its fields are {', '.join(q)}")
            continue
        wrong += [f"{where}: {k} is not a text" for k in ("photo", "product_id", "question", "kind")
                  if not isinstance(q[k], str) or not q[k].strip()]
        if q["product_id"] not in by_id:
            wrong.append(f"{where}: no product {q['product_id']}")
            continue
        if not (KB / q["photo"]).is_file():
            wrong.append(f"{where}: no file {q['photo']}")
        if shows.get(q["photo"]) != q["product_id"]:
            wrong.append(f"{where}: labels.csv doesn't say that {q['photo']} shows {q['product_id']}")
        place = order.index(q["product_id"])
        if place < last:
            wrong.append(f"{where}: not in the order of the products")
        last = place
        key = q["product_id"], " ".join(q["question"].casefold().split())
        if key in seen:
            wrong.append(f"{where}: asked twice of {q['product_id']}")
        seen.add(key)
        if len(q["kind"].split()) != 1 or (q["kind"] == "unanswerable") != (q["facts"] is None):
            wrong.append(f"{where}: kind {q['kind']!r} doesn't fit")
        if q["facts"] is None:
            continue
        if not (isinstance(q["facts"], list) and q["facts"] and all(
                isinstance(fact, list) and fact and all(isinstance(a, str) and a.strip() for a in fact)
                for fact in q["facts"])):
            wrong.append(f"{where}: facts is neither null nor lists of spellings")
            continue
        entry = [v.casefold() for k, v in by_id[q["product_id"]][0].items() if k not in ("id", "image_path", "title", "url")]
        for fact in q["facts"]:
            if not any(fact[0].casefold() in v for v in entry):
                wrong.append(f"{where}: {fact[0]!r} is not in the entry of {q['product_id']}")
            # What the question itself says would pass an answer that only repeats it.
            wrong += [f"{where}: {a!r} stands in the question" for a in fact if a.casefold() in q["question"].casefold()]
    without = sum(q.get("facts") is None for q in rows)
    if len(rows) < 150 or 5 * without < len(rows):
        wrong.append(f"questions.jsonl: {len(rows)} questions, {without} without an answer: at least 150 and a fifth")
    wrong += [f"questions.jsonl: none about {id}" for id in by_id if id not in {q.get("product_id") for q in rows}]
    return rows


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(check())
    write()
    sys.exit(check())
