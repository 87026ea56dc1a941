"""What the till's page consists of, each by itself: scenes, views, barcodes, money, corrections."""

import pytest

SCENE = """async ([one, other]) => {
  const { Scene, isFlat } = await import("/static/till/page/see/scene.js");
  const scene = new Scene();
  const grey = (levels) => Float32Array.from({ length: 256 }, (_, index) => levels[index % levels.length]);
  const still = [0, 100, 200, 300].map((now) => scene.see(grey(one), now).still);
  scene.hold(grey(one));
  const trembles = scene.see(grey(one.map((level) => level + 3)), 400).changed;
  const changes = scene.see(grey(other), 433).changed;
  return { still, trembles, changes, isHeld: scene.isHeld, isFlat: isFlat(grey([90, 92])) };
}"""
VIEWS = """async (vectors) => {
  const { Views } = await import("/static/till/page/see/views.js");
  const views = new Views();
  return vectors.map(([vector, madeBy, now]) => {
    views.add(Float32Array.from(vector), madeBy, { now });
    return [views.count, [...views.mean]];
  });
}"""
CODES = """async (pictures) => {
  const { SeenCodes } = await import("/static/till/page/see/scanner.js");
  const seen = new SeenCodes();
  return pictures.map(([texts, now]) => seen.see(texts, now));
}"""
MONEY = """async ([currency, lines]) => {
  const { Money, readQuantity } = await import("/static/till/page/money.js");
  const money = new Money(currency, "en");
  return lines.map(([price, unit, typed]) => {
    const quantity = readQuantity(typed, unit);
    const amount = money.amount({ price: Money.hundredths(price), unit, quantity });
    return [quantity, amount === null ? null : money.show(amount)];
  });
}"""
OUTBOX = """async (answers) => {
  const { Outbox } = await import("/static/till/page/keep/outbox.js");
  const { Store } = await import("/static/till/page/keep/store.js");
  const { Refused, Unreachable } = await import("/static/till/page/keep/api.js");
  const store = await Store.open();
  const sent = [];
  const correct = async (form) => {
    sent.push([form.get("chosen"), form.get("key")]);
    const answer = answers.shift() ?? 201;
    if (answer === 0) throw new Unreachable();
    if (answer >= 400) throw new Refused(answer, null);
  };
  const counts = [];
  const outbox = new Outbox(store, { owner: "1/2", correct }, { onCount: (count) => counts.push(count) });
  for (const chosen of [1, 2, 3]) await store.queue({ owner: "1/2", fields: { chosen, key: `k${chosen}` } });
  await outbox.send();
  await outbox.send();
  await store.queue({ owner: "9/2", fields: { chosen: 99 } });  // of somebody else, whose turn comes later
  for (let chosen = 0; chosen < 103; chosen += 1) await store.queue({ owner: "1/2", fields: { chosen } });
  await outbox.add({ chosen: 200 }, null);
  const kept = (await store.waiting()).length;
  await store.wipe();
  return { sent, kept };
}"""


@pytest.fixture
def page(chromium, installation):
    page = chromium.new_context(base_url=installation.url).new_page()
    page.goto("/till/sw.js")  # bare: no script of the page is in the way
    page.evaluate("document.documentElement.lang = 'en'")
    for name in ("config", "words"):
        page.evaluate(
            """(name) => {
          const block = document.createElement("script");
          Object.assign(block, { id: `till-${name}`, type: "application/json", textContent: "{}" });
          document.body.append(block);
        }""",
            name,
        )
    yield page
    page.context.close()


def test_scene_stands_still_trembles_and_changes(page):
    told = page.evaluate(SCENE, [[20, 200, 90], [200, 20, 90]])
    assert told == {
        "still": [False, False, False, True],
        "trembles": False,
        "changes": True,
        "isHeld": False,
        "isFlat": True,
    }


def test_other_side_is_added_the_same_side_is_not_and_another_thing_starts_anew(page):
    same, side, other = [1, 0.1, 0], [1, 0.8, 0], [0, 0, 1]
    told = page.evaluate(
        VIEWS,
        [
            [[1, 0, 0], "a", 0],
            [same, "a", 1000],
            [side, "a", 2000],
            [other, "a", 3000],
            [other, "b", 4000],
            [side, "b", 60_000],
        ],
    )
    assert [count for count, _ in told] == [1, 1, 2, 1, 1, 1]
    assert told[2][1] == pytest.approx([1, 0.4, 0])
    assert told[5][1] == pytest.approx(side)


def test_code_counts_in_two_pictures_and_again_once_it_has_left(page):
    held = [[["1"], now] for now in range(0, 900, 150)]
    blurred = [[[], 950], [[], 1100], [["1"], 1200]]
    gone = [[[], now] for now in range(1300, 2600, 150)]
    again = [[["1"], 2700], [["2"], 2800], [["1"], 2900], [["1"], 3000]]
    told = page.evaluate(CODES, [*held, *blurred, *gone, *again])
    assert told == [[], ["1"], *[[]] * (len(told) - 3), ["1"]]


def test_amounts_are_rounded_to_what_the_currency_has(page):
    lines = [
        ["12.90", "piece", "3"],
        ["24.90", "kg", "0,455"],
        ["1.15", "kg", ".5"],
        [None, "piece", "1"],
        ["5.00", "piece", "1.5"],
    ]
    euros = page.evaluate(MONEY, ["EUR", lines])
    assert euros == [[3, "€38.70"], [455, "€11.33"], [500, "€0.58"], [1, None], [None, None]]
    assert page.evaluate(MONEY, ["JPY", [["199.00", "kg", "0.333"]]]) == [[333, "¥66"]]


def test_corrections_are_sent_in_order_and_one_that_is_refused_blocks_no_other(page):
    told = page.evaluate(OUTBOX, [201, 400, 0, 201, 0])
    assert [chosen for chosen, _ in told["sent"][:4]] == ["1", "2", "3", "3"]
    assert told["sent"][2][1] == told["sent"][3][1]  # the same key as at the first try
    assert "99" not in [chosen for chosen, _ in told["sent"]]
    assert told["kept"] == 100 + 1
