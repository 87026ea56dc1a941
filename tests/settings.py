"""The project's own settings, with data in a temporary folder and services from TEST_… variables."""

import os
import tempfile

_data = tempfile.TemporaryDirectory(prefix="shelfsight-tests-")
os.environ["DATA_DIR"] = _data.name
os.environ["HTTPS"] = "0"
os.environ["BACKBONE"] = "efficientnet-lite0"
os.environ["REDIS_PREFIX"] = f"shelfsight-tests-{os.getpid()}"  # test processes share the server
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
    if value := os.environ.get(f"TEST_{name}"):
        os.environ[name] = value

from config.settings import *  # noqa: E402, F403
from config.settings import BASE_DIR, CACHE_DIR, DATABASES  # noqa: E402

# Backbones are exported once for all test runs: it takes longer than most tests together.
(backbones := BASE_DIR / "var" / "cache" / "backbones").mkdir(parents=True, exist_ok=True)
CACHE_DIR.mkdir()
(CACHE_DIR / "backbones").symlink_to(backbones)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if "sqlite3" not in str(DATABASES["default"]["ENGINE"]):
    DATABASES["default"]["TEST"] = {"NAME": f"test_shelfsight_{os.getpid()}"}
# Each client of a test would read all of them; those that need one start a server.
SERVESTATIC_USE_FINDERS = SERVESTATIC_USE_STATIC_ROOT = False
