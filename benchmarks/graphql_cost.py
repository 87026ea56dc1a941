"""What GraphQL costs: the three queries programs use most, against bare Django views that read the same rows.

    python -m benchmarks.graphql_cost

One web server process answers both, in turns, over real HTTP with a bearer token.
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.api_site import BARE, site

RESULTS = Path(__file__).parent / "results" / "graphql_cost.json"
CLIENTS = 2
QUERIES = {
    "training": "{ mlTrainingInfo { status progress phase error version productCount imageCount } }",
    "model": "{ mlModelInfo { hasModel version files { kind url sha256 size } } }",
    "products": "{ products(first: 50) { totalCount edges { node { databaseId sku name price imageCount"
    " images { edges { node { url } } } } } } }",
}


def requests_for(name: str, client: httpx.Client):
    """The same question asked both ways."""
    return {
        "graphql": lambda: client.post("/graphql/", json={"query": QUERIES[name]}),
        "bare": lambda: client.get(f"/bare/{name}/"),
    }


def measure(send, count: int) -> list[float]:
    """Seconds each of `count` requests took, sent by some clients at once, and all of them together last."""

    def timed(_) -> float:
        started = time.perf_counter()
        response = send()
        assert response.status_code == 200, response.text[:300]
        assert "errors" not in response.json(), response.text[:300]
        return time.perf_counter() - started

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        took = list(pool.map(timed, range(count)))
    return [*took, time.perf_counter() - started]


def figures(rounds: list[list[float]]) -> dict:
    took = sorted(seconds for one in rounds for seconds in one[:-1])
    return {
        "requests_a_second": round(len(took) / sum(one[-1] for one in rounds), 1),
        "p50_ms": round(1000 * took[len(took) // 2], 2),
        "p95_ms": round(1000 * took[int(0.95 * len(took))], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--photos", type=int, default=5, help="of each product")
    parser.add_argument("--requests", type=int, default=100, help="in each of five rounds")
    options = parser.parse_args()
    results = {"products": options.products, "photos": options.photos, "clients": CLIENTS, "queries": {}}
    with site(options.products, options.photos, BARE) as (installation, token):
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=installation.url, headers=headers, timeout=30) as client:
            for name in QUERIES:
                ways, rounds = requests_for(name, client), {"graphql": [], "bare": []}
                for send in ways.values():
                    measure(send, 10)
                for _ in range(5):
                    for way, send in ways.items():
                        rounds[way].append(measure(send, options.requests))
                results["queries"][name] = {way: figures(found) for way, found in rounds.items()}
    print(f"{'query':<10}{'':<9}{'requests/s':>11}{'p50 ms':>9}{'p95 ms':>9}")
    for name, ways in results["queries"].items():
        for way, found in ways.items():
            print(f"{name:<10}{way:<9}" + "".join(f"{value:>10}" for value in found.values()))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
