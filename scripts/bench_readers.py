"""What readers take and find, beside pdftotext, Tesseract and the Python package kreuzberg.

Called by scripts/bench-extraction.sh with the program, the folder of documents and the folder of the OCR's models. Prints a
row for each measurement and writes them as JSON.
"""

import argparse
import collections
import gzip
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import time
import unicodedata


def run(command, **options):
    """Runs a command: its output, seconds on a core and on the clock, and the peak memory of its largest process so far."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, **options).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return output, cpu, time.monotonic() - began, after.ru_maxrss // 1024


def words(text):
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def recall(found, wanted):
    have, want = set(found), set(words(wanted))
    return sum(word in have for word in want), len(want)


def texts(folder):
    path = folder / "text.jsonl.gz"
    if not path.exists():
        return {}
    with gzip.open(path, "rt") as file:
        return {line["document"]: line["text"] for line in map(json.loads, file)}


def ours(program, ocr, files):
    """The documents, by file, with what they took."""
    command = [program, "read-document", *(["--ocr", ocr] if ocr else []), *map(str, files)]
    # Without bubblewrap on the path Landlock confines readers: of processes in bubblewrap's namespaces the kernel does not
    # tell their parent what they used.
    output, cpu, wall, memory = run(command, env={**os.environ, "PATH": "/nonexistent"})
    documents = {}
    for line in output.splitlines():
        line = json.loads(line)
        documents[line["file"]] = line["document"]
    return documents, cpu, wall, memory


def said(document):
    pages = document["pages"] if document else []
    return [part for page in pages for word in page["words"] for part in words(word["text"])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--ocr")
    parser.add_argument("--kreuzberg", help="a Python that has the package")
    parser.add_argument("--out", type=pathlib.Path)
    asked = parser.parse_args()
    rows = []

    def row(name, **values):
        rows.append({"name": name, **values})
        print(name.ljust(44), "  ".join(f"{key} {value}" for key, value in values.items()), flush=True)

    sets = sorted(path for path in asked.data.iterdir() if (path / "documents").is_dir())
    pdfs, images = [], []
    for folder in sets:
        expected = texts(folder)
        by_kind = collections.defaultdict(list)
        for path in sorted((folder / "documents").iterdir()):
            by_kind[path.suffix[1:]].append(path)
        # By `get`: a kind that is only asked for is none of the folder.
        pdfs += by_kind.get("pdf", [])
        images += by_kind.get("png", []) + by_kind.get("jpg", [])
        for kind, files in sorted(by_kind.items()):
            documents, cpu, wall, memory = ours(asked.program, asked.ocr, files)
            pages = sum(len(document["pages"]) for document in documents.values() if document)
            found = [
                recall(said(documents.get(str(path))), expected[f"documents/{path.name}"])
                for path in files
                if f"documents/{path.name}" in expected
            ]
            hit, want = (sum(part) for part in zip(*found)) if found else (0, 0)
            row(
                f"{folder.name}, {kind}",
                documents=len(files),
                unread=sum(document is None for document in documents.values()),
                pages=pages,
                wordRecall=round(hit / want, 4) if want else None,
                cpuMsAPage=round(1000 * cpu / max(pages, 1), 1),
                wallMsADocument=round(1000 * wall / len(files), 1),
                peakMB=memory,
            )
    if pdfs:
        documents, cpu, _, memory = ours(asked.program, asked.ocr, pdfs)
        pages = sum(len(document["pages"]) for document in documents.values() if document)
        row("PDF pages a CPU second, ours", value=round(pages / cpu, 1), pages=pages, peakMB=memory)
        cpu = sum(run(["pdftotext", "-q", "-bbox-layout", str(path), "/dev/null"])[1] for path in pdfs)
        row("PDF pages a CPU second, pdftotext", value=round(pages / cpu, 1), pages=pages)
    for name, folder in [("ours", asked.ocr), ("Tesseract in ours", None)]:
        if not images or (name == "ours" and not folder):
            continue
        documents, cpu, _, memory = ours(asked.program, folder, images)
        row(f"OCR CPU seconds a page, {name}", value=round(cpu / len(images), 2), pages=len(images), peakMB=memory)
    if images:
        cpu = sum(run(["tesseract", str(path), "stdout"], env={**os.environ, "OMP_THREAD_LIMIT": "1"})[1] for path in images)
        row("OCR CPU seconds a page, tesseract", value=round(cpu / len(images), 2), pages=len(images))
    if asked.kreuzberg:
        code = (
            "import sys\nfrom kreuzberg import extract_file_sync\n"
            "for path in sys.argv[1:]:\n    print(len(extract_file_sync(path).content))"
        )
        _, cpu, _, memory = run([asked.kreuzberg, "-c", code, *map(str, pdfs)])
        row("PDF pages a CPU second, kreuzberg", value=round(pages / cpu, 1), pages=pages, peakMB=memory)
    else:
        print("kreuzberg: not measured; BENCH_KREUZBERG=1 installs it from PyPI and measures it.")
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
