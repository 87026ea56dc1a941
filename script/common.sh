# Shared by script/demo and script/test: finds Python and keeps .venv in step with the requirements.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
      { command -v "$candidate"; return; }
  done
  echo "Shelfsight needs Python 3.11 or newer. Install it, or set PYTHON to its path." >&2
  return 1
}

install() { # install REQUIREMENTS_FILE: does nothing when it was done for these very requirements
  local file=$1 stamp=.venv/.installed-$1 wanted
  wanted=$(cat requirements*.txt | cksum)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
  .venv/bin/python -m pip --version >/dev/null 2>&1 || { # none there, or one that was broken off half-way
    local python
    python=$(find_python)
    "$python" -m venv --clear .venv
  }
  echo "Installing the packages of $file into .venv ..."
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$file"
  echo "$wanted" >"$stamp"
}
