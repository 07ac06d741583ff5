# shellcheck shell=bash
# A Python with what tests and checks need, under target/. Sourced by the other scripts, from the root.

# Exports KEYWARD_TEST_PYTHON. Installs what is missing.
python_install() {
    local wanted=tests/python/requirements.txt
    local venv=${CARGO_TARGET_DIR:-target}/python
    # The list of what was installed is written last, so that what was broken off is done again.
    if ! cmp --silent "$wanted" "$venv/installed.txt"; then
        python_venv_install
        echo "Tests and checks use Python: tokens, manifests, the OpenAPI document. Making a virtual"
        echo "environment in $venv with, from PyPI:"
        grep '==' "$wanted" | sed 's/^/  /'
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
            --only-binary :all: --requirement "$wanted"
        cp "$wanted" "$venv/installed.txt"
    fi
    KEYWARD_TEST_PYTHON=$(realpath --no-symlinks "$venv/bin/python")
    export KEYWARD_TEST_PYTHON
}

# Installs Python and its venv from Debian's packages unless they are there.
python_venv_install() {
    if python3 -c 'import ensurepip, venv' 2>/dev/null; then
        return
    fi
    debian_install python3-venv "tests and checks need Python 3 with venv"
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo "keyward: the package python3-venv is installed, but python3 cannot make a virtual environment" >&2
        exit 1
    fi
}
